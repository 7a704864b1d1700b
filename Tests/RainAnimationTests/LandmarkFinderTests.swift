import RainCPU
import RainGraph
import RainModels
import RainPictures
import RainPose
import RainTesting
import Testing

@testable import RainAnimation

@Suite struct LandmarkFinderTests {
    /// Red grows to the right, green downwards.
    private static func ramp(_ side: Int) -> Picture {
        var picture = Picture(width: side, height: side)
        for row in 0..<side {
            for column in 0..<side {
                picture.bytes[(row * side + column) * 3] = UInt8(column * 255 / (side - 1))
                picture.bytes[(row * side + column) * 3 + 1] = UInt8(row * 255 / (side - 1))
            }
        }
        return picture
    }

    @Test("Crops show what lies in a square, turned, of small and of large pictures", arguments: [64, 300])
    func crops(_ side: Int) throws {
        let square = try #require(LandmarkFinder.square(.neutral)).changed(scale: 0.5, turn: 0.4, shift: SIMD2(0.1, -0.05))
        let count = 32
        let values = LandmarkFinder.crop(Self.ramp(side), square, side: count)
        #expect(values.count == count * count * 3)
        for row in 0..<count {
            for column in 0..<count {
                let place = square(SIMD2(Double(2 * column + 1), Double(2 * row + 1)) / Double(count) - 1)
                let at = (row * count + column) * 3
                #expect(abs(Double(values[at]) - place.x) < 0.02 && abs(Double(values[at + 1]) - place.y) < 0.02 && values[at + 2] == 0)
            }
        }
    }

    @Test("A square that is changed keeps its middle, turns and grows") func squares() throws {
        let square = try #require(CropFrame(.neutral))
        let other = square.changed(scale: 2, turn: .pi / 2)
        #expect(other.center == square.center)
        let (corner, expected) = (other(SIMD2(1, 0)), square(SIMD2(0, 2)))
        #expect(abs(corner.x - expected.x) < 1e-12 && abs(corner.y - expected.y) < 1e-12)
    }

    @Test("The engine finds what the interpreter finds") func reproducible() throws {
        let network = try #require(TinyModel.layered.layeredGuide?.landmarkNetwork)
        let crops = LandmarkFinder.crop(Self.ramp(50), try #require(LandmarkFinder.square(.neutral)), side: network.cropSize)
        func places(_ engine: some Engine) throws -> [Float] {
            let executable = try engine.compile(Program(LandmarkFinder.graph(network, count: 3)))
            try executable.load(TinyModel.layered.randomParameters(seed: 4))
            try executable.write("crops", crops + crops.map { 1 - $0 } + crops.map { $0 * 0.5 })
            try executable.run(.step)
            return try executable.read("places")
        }
        let (found, plain) = (try places(CPUEngine(threads: 2)), try places(Interpreter()))
        #expect(found.count == 3 * network.landmarks * 2)
        #expect(zip(found, plain).allSatisfy { abs($0 - $1) < 1e-4 && abs($0) < 1 })
    }

    @Test("Pictures of any proportions, guesses of any kind, and none: a face of numbers, or no face") func hostile() async throws {
        let faces = try #require(try DrawnFaces(.random(TinyModel.layered, seed: 1), engine: CPUEngine(threads: 1)))
        let wild = LandmarkFrame(points: LandmarkFrame.neutral.points.map { _ in LandmarkPoint(x: .nan, y: 1e30) })
        for (width, height) in [(1, 1), (16, 3), (40, 200)] {
            let picture = Picture(width: width, height: height, red: 9, green: 80, blue: 200)
            for guess in [nil, .neutral, wild] as [LandmarkFrame?] {
                let found = try await faces.face(in: picture, near: guess)
                #expect(found?.points.allSatisfy { $0.x.isFinite && $0.y.isFinite } ?? true)
            }
        }
    }

    @Test("Points that agree on one place are no face") func collapsed() async throws {
        // All maps are alike everywhere: every landmark lies in the middle of every crop.
        let model = try AnimationModel(TinyModel.layered) { _, shape in [Float](repeating: 0, count: shape.count) }
        let faces = try #require(try DrawnFaces(model, engine: CPUEngine(threads: 1)))
        for guess in [nil, .neutral] as [LandmarkFrame?] {
            #expect(try await faces.face(in: Self.ramp(64), near: guess) == nil)
        }
    }

    @Test("Models without a landmark network have nothing to look with") func absent() throws {
        #expect(try DrawnFaces(TinyModel.model(), engine: CPUEngine(threads: 1)) == nil)
    }

    @Test("A place of the square and the same of the picture") func placements() {
        let placement = ReferencePlacement(face: .neutral, width: 300, height: 170)
        let back = placement.unplaced(placement.landmarks(.neutral))
        #expect(zip(back.points, LandmarkFrame.neutral.points).allSatisfy { abs($0.x - $1.x) < 1e-5 && abs($0.y - $1.y) < 1e-5 })
    }
}
