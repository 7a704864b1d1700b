import RainGraph

/// A tensor known when a network is imported: a weight, or a shape computed from others.
package struct HostTensor: Sendable {
    package enum Elements: Sendable {
        case floats([Float])
        /// Also Booleans, as 0 and 1.
        case integers([Int64])
    }

    /// Extents, outermost first; may hold zeros.
    package var shape: [Int]
    package var elements: Elements
    /// The initialiser it is, for names of parameters.
    package var name: String?

    package init(_ shape: [Int], _ elements: Elements, name: String? = nil) {
        self.shape = shape
        self.elements = elements
        self.name = name
    }

    /// A list of whole numbers.
    package init(_ integers: [Int]) { self.init([integers.count], .integers(integers.map(Int64.init))) }

    package var count: Int {
        switch elements {
        case .floats(let values): values.count
        case .integers(let values): values.count
        }
    }

    package var floats: [Float] {
        switch elements {
        case .floats(let values): values
        case .integers(let values): values.map { Float($0) }
        }
    }

    package var isInteger: Bool { if case .integers = elements { true } else { false } }

    /// The elements at these places, in a new shape.
    package func gathered(_ places: [Int], shape: [Int]) -> HostTensor {
        switch elements {
        case .floats(let values): HostTensor(shape, .floats(places.map { values[$0] }))
        case .integers(let values): HostTensor(shape, .integers(places.map { values[$0] }))
        }
    }

    /// The places that a walk over `shape` with `strides` from `offset` meets.
    package static func places(_ shape: [Int], strides: [Int], offset: Int = 0) -> [Int] {
        var places = [offset]
        for (extent, stride) in zip(shape, strides) { places = places.flatMap { base in (0..<extent).map { base + $0 * stride } } }
        return places
    }

    /// With the axes in another order; no longer the initialiser it was.
    package func transposed(_ order: [Int]) -> HostTensor {
        if order == Array(order.indices) { return self }
        let strides = Shape(shape).strides
        let target = order.map { shape[$0] }
        // Only the order of axes longer than 1 moves elements.
        let moving = order.filter { shape[$0] != 1 }
        if moving == moving.sorted() { return HostTensor(target, elements) }
        return gathered(Self.places(target, strides: order.map { strides[$0] }), shape: target)
    }

    /// Elements repeated along the axes of size 1 to a shape this one broadcasts to.
    package func broadcasted(to target: [Int]) -> HostTensor {
        if shape == target { return self }
        let own = Shape(shape).strides
        let missing = target.count - shape.count
        let strides = target.indices.map { $0 < missing || shape[$0 - missing] == 1 ? 0 : own[$0 - missing] }
        return gathered(Self.places(target, strides: strides), shape: target)
    }
}

extension HostTensor {
    /// The largest tensor: 2²⁸ elements.
    package static let mostElements = 1 << 28

    /// The number of elements of a shape from outside; `nil` if it is impossible or beyond the limit.
    package static func count(_ shape: [Int], limit: Int = mostElements) -> Int? {
        var count = 1
        guard shape.count <= 8 else { return nil }
        for extent in shape {
            guard extent >= 0, extent <= limit else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= limit else { return nil }
            count = product
        }
        return count
    }
}
