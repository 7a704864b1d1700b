#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Elements in row-major order and their shape.
struct Tensor {
    let shape: Shape
    let elements: [Float]

    init(_ shape: Shape, _ elements: [Float]) {
        self.shape = shape
        self.elements = elements
    }

    /// The elements that a walk over `shape` with `strides` from `offset` meets: transposes, slices and broadcasts.
    func gathered(_ shape: Shape, strides: [Int], offset: Int = 0) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(shape.count)
        let inner = strides.last ?? 0
        shape.forEachRow(strides: strides, offset: offset) { start in
            var position = start
            for _ in 0..<shape.last {
                result.append(elements[position])
                position += inner
            }
        }
        return result
    }

    /// The elements broadcast to a shape.
    func broadcasted(to shape: Shape) -> [Float] {
        shape == self.shape ? elements : gathered(shape, strides: self.shape.strides(broadcastTo: shape))
    }
}

extension Shape {
    /// Calls `body` with the offset of the first element of each row: of each choice of indices of all axes but the last.
    @inline(__always)
    func forEachRow(strides: [Int], offset: Int = 0, _ body: (Int) -> Void) {
        guard count > 0 else { return }
        let outer = max(rank - 1, 0)
        var index = [Int](repeating: 0, count: outer)
        var position = offset
        while true {
            body(position)
            var axis = outer - 1
            while axis >= 0 {
                index[axis] += 1
                position += strides[axis]
                if index[axis] < dimensions[axis] { break }
                position -= strides[axis] * dimensions[axis]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }

    /// Strides with which elements of this shape are met in a walk over `shape`, to which it broadcasts.
    func strides(broadcastTo shape: Shape) -> [Int] {
        let own = strides
        let missing = shape.rank - rank
        return shape.dimensions.indices.map { $0 < missing || self[$0 - missing] == 1 ? 0 : own[$0 - missing] }
    }

    /// Products of the dimensions before and after an axis.
    func around(_ axis: Int) -> (outer: Int, inner: Int) {
        (dimensions[..<axis].reduce(1, *), dimensions[(axis + 1)...].reduce(1, *))
    }
}

/// A matrix of float64, in which the interpreter computes products.
struct Matrix {
    let rows: Int
    let columns: Int
    var elements: [Double]

    init(rows: Int, columns: Int, _ elements: [Double]) {
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    init(zeros rows: Int, _ columns: Int) { self.init(rows: rows, columns: columns, Array(repeating: 0, count: rows * columns)) }

    /// Rows of `columns` elements, `rowStride` apart, the first at `start`.
    init(_ elements: [Float], rows: Int, columns: Int, start: Int = 0, rowStride: Int? = nil) {
        self.init(zeros: rows, columns)
        let rowStride = rowStride ?? columns
        for row in 0..<rows {
            let source = start + row * rowStride
            let target = row * columns
            for column in 0..<columns { self.elements[target + column] = Double(elements[source + column]) }
        }
    }

    var transposed: Matrix {
        var result = Matrix(zeros: columns, rows)
        for row in 0..<rows { for column in 0..<columns { result.elements[column * rows + row] = elements[row * columns + column] } }
        return result
    }

    var floats: [Float] { elements.map { Float($0) } }

    static func * (a: Matrix, b: Matrix) -> Matrix {
        precondition(a.columns == b.rows)
        var elements: [Double] = []
        elements.reserveCapacity(a.rows * b.columns)
        var sums = [Double](repeating: 0, count: b.columns)
        for row in 0..<a.rows {
            for column in 0..<b.columns { sums[column] = 0 }
            for inner in 0..<a.columns {
                let others = b.elements.span.extracting(inner * b.columns..<(inner + 1) * b.columns)
                var span = sums.mutableSpan
                accumulate(&span, a.elements[row * a.columns + inner], others)
            }
            elements += sums
        }
        return Matrix(rows: a.rows, columns: b.columns, elements)
    }

    /// sums += factor · row
    private static func accumulate(_ sums: inout MutableSpan<Double>, _ factor: Double, _ row: Span<Double>) {
        precondition(sums.count == row.count)
        for index in 0..<row.count { sums[index] += factor * row[index] }
    }

    static func * (factor: Double, matrix: Matrix) -> Matrix {
        Matrix(rows: matrix.rows, columns: matrix.columns, matrix.elements.map { factor * $0 })
    }

    /// Adds a matrix to rows of a buffer, `rowStride` apart, the first at `start`.
    func add(to buffer: inout [Double], start: Int, rowStride: Int) {
        for row in 0..<rows { for column in 0..<columns { buffer[start + row * rowStride + column] += elements[row * columns + column] } }
    }
}

/// `base` to a whole power.
func power(_ base: Double, _ exponent: Int) -> Double { pow(base, Double(exponent)) }
