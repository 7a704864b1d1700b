/// The leading principal components of a set of vectors, by orthogonal iteration in double precision.
struct PrincipalComponents {
    let mean: [Double]
    /// Unit vectors, strongest first.
    let components: [[Double]]
    /// Standard deviation of the vectors along each component.
    let deviations: [Double]

    /// - Parameters:
    ///   - vectors: all of one length, row after row.
    ///   - width: that length.
    ///   - count: how many components, at most `width`.
    init(vectors: [Float], width: Int, count: Int) {
        let rows = vectors.count / width
        var mean = [Double](repeating: 0, count: width)
        for row in 0..<rows {
            for column in 0..<width { mean[column] += Double(vectors[row * width + column]) }
        }
        for column in 0..<width { mean[column] /= Double(rows) }
        var covariance = [Double](repeating: 0, count: width * width)
        var centred = [Double](repeating: 0, count: width)
        for row in 0..<rows {
            for column in 0..<width { centred[column] = Double(vectors[row * width + column]) - mean[column] }
            for i in 0..<width {
                let a = centred[i]
                for j in i..<width { covariance[i * width + j] += a * centred[j] }
            }
        }
        for i in 0..<width {
            for j in i..<width {
                covariance[i * width + j] /= Double(rows)
                covariance[j * width + i] = covariance[i * width + j]
            }
        }
        var basis = (0..<count).map { index in
            (0..<width).map { column -> Double in
                let mixed = (index * 7919 + column * 104_729) % 1009
                return Double(mixed) / 1009 - 0.5
            }
        }
        Self.orthonormalise(&basis)
        for _ in 0..<200 {
            basis = basis.map { Self.product(covariance, $0) }
            Self.orthonormalise(&basis)
        }
        self.mean = mean
        components = basis
        deviations = basis.map { vector in
            zip(vector, Self.product(covariance, vector)).reduce(0) { $0 + $1.0 * $1.1 }.squareRoot()
        }
    }

    private static func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
        let width = vector.count
        return (0..<width).map { i in
            var sum = 0.0
            for j in 0..<width { sum += matrix[i * width + j] * vector[j] }
            return sum
        }
    }

    /// Gram–Schmidt, in order.
    private static func orthonormalise(_ basis: inout [[Double]]) {
        for i in basis.indices {
            for j in 0..<i {
                let overlap = zip(basis[i], basis[j]).reduce(0) { $0 + $1.0 * $1.1 }
                for k in basis[i].indices { basis[i][k] -= overlap * basis[j][k] }
            }
            let norm = basis[i].reduce(0) { $0 + $1 * $1 }.squareRoot()
            for k in basis[i].indices { basis[i][k] /= max(norm, 1e-300) }
        }
    }
}
