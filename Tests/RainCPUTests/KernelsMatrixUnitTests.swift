import CPUKernels
import Glibc
import Testing

/// What splitting floats into two bfloat16 may cost, where a machine has a matrix unit.
@Suite(.enabled(if: KernelSet.available.contains(.amx))) struct KernelsMatrixUnitTests {
    typealias Convolution = KernelsMatrixTests.Convolution

    /// Largest difference, and its root mean square, relative to the largest and to the root mean square of what is expected.
    static func errors(_ found: [Float], _ expected: [Float]) -> (largest: Double, mean: Double) {
        var squares = 0.0
        var differences = 0.0
        for (a, b) in zip(found, expected) {
            squares += Double(b) * Double(b)
            differences += (Double(a) - Double(b)) * (Double(a) - Double(b))
        }
        return (disagreement(found, expected), (differences / squares).squareRoot())
    }

    /// Smooth over the picture, some channels far from zero: as what an activation leaves.
    static func activations(_ geometry: RainConv) -> [Float] {
        var values: [Float] = []
        for image in 0..<geometry.batch {
            for row in 0..<geometry.height {
                for column in 0..<geometry.width {
                    for channel in 0..<geometry.channels {
                        let (down, across, phase) = (Float(row), Float(column), Float(channel) * 1.3 + Float(image))
                        let value = 2 * sinf(0.2 * down + phase) * cosf(0.17 * across + 0.7 * phase) + (channel % 5 == 0 ? 4 : 0.5)
                        values.append(value / (1 + expf(-value)))
                    }
                }
            }
        }
        return values
    }

    static let convolutions = [
        Convolution(4, 16, 16, 64, 64), Convolution(2, 9, 7, 150, 170), Convolution(16, 4, 4, 128, 96), Convolution(9, 16, 13, 150, 151),
        Convolution(1, 8, 8, 1280, 64), Convolution(3, 5, 6, 12, 33, upsample: true),
    ].compactMap { $0 }

    /// Winograd's transforms multiply what splitting loses, 2⁻¹⁷ of a product: to 2·10⁻⁵ with random numbers, a third of it with
    /// smooth ones.
    @Test(arguments: [(smooth: false, mean: 4e-5, largest: 1e-4), (smooth: true, mean: 2e-5, largest: 3e-5)])
    func winograd(smooth: Bool, mean: Double, largest: Double) {
        let plain = plainPool()
        let pools = [1, 2].map(KernelSet.amx.pool)
        for convolution in Self.convolutions {
            let numbers = convolution.numbers()
            let x = smooth ? Self.activations(convolution.geometry) : numbers.x
            let expected = convolution.forward(plain, RAIN_CONV_DIRECT, x: x, w: numbers.w, whole: false)
            for pool in pools {
                let found = convolution.forward(pool, RAIN_CONV_WINOGRAD, x: x, w: numbers.w, whole: false)
                let errors = Self.errors(found, expected)
                #expect(errors.mean < mean && errors.largest < largest, "\(errors) \(convolution)")
            }
        }
    }

    /// Taps gathered and split: channels that fill no block, more taps than rows, parts that end within a tap.
    @Test func direct() {
        let plain = plainPool()
        let pools = [1, 2].map(KernelSet.amx.pool)
        let convolutions = [
            Convolution(2, 9, 8, 70, 33, stride: 2), Convolution(3, 17, 19, 64, 40, stride: 2, padding: [0, 0, 1, 1]),
            Convolution(2, 6, 6, 130, 40, kernel: (1, 1), stride: 2, padding: [0, 0, 0, 0]), Convolution(1, 4, 4, 321, 17),
            Convolution(1, 28, 28, 64, 8, kernel: (14, 14), stride: 14, padding: [0, 0, 0, 0]), Convolution(1, 1, 1, 64, 1),
        ].compactMap { $0 }
        for convolution in convolutions {
            let numbers = convolution.numbers()
            let expected = convolution.forward(plain, RAIN_CONV_DIRECT, x: numbers.x, w: numbers.w)
            for pool in pools {
                let errors = Self.errors(convolution.forward(pool, RAIN_CONV_DIRECT, x: numbers.x, w: numbers.w), expected)
                #expect(errors.mean < 1e-5 && errors.largest < 2e-5, "\(errors) \(convolution)")
            }
        }
    }

    /// Rows and columns that fill no tile, a depth that is cut: sums in parts lose no more than whole ones.
    @Test(arguments: [(1, 33, 1280), (31, 64, 1281), (256, 17, 640), (257, 96, 320), (300, 40, 2600), (513, 65, 161), (128, 1, 127)])
    func linear(_ m: Int, _ n: Int, _ k: Int) {
        let linear = KernelsMatrixTests.Linear(m: m, n: n, k: k, epilogue: 7)
        let expected = linear.run(plainPool())
        for threads in [1, 2] {
            let errors = Self.errors(linear.run(KernelSet.amx.pool(threads: threads)), expected)
            #expect(errors.mean < 1e-5 && errors.largest < 2e-5, "\(errors) \(linear)")
        }
    }
}
