import RainAnimation
import RainPictures
import RainPose
import Synchronization

/// Finds the face in pictures that stand alone, with the detector that cameras and films use too, and with the model's own eyes for drawn
/// ones.
struct FaceFinder: Sendable {
    /// A face in a picture.
    struct Found: Sendable {
        /// In fractions of the whole picture, all finite.
        var landmarks: LandmarkFrame
        /// Where a reference is cut out by it.
        var placement: ReferencePlacement
    }

    /// The longer side of what a detector is shown, in pixels: far more than it looks at, and bounded while pictures wait.
    static let longestSide = 2048
    /// How many pictures may wait for the detector at once.
    static let mostWaiting = 4

    private let host: ModelHost
    private let desk: DetectorDesk?
    /// Finds drawn faces exactly; nil for models that leave them to the detector.
    private let drawn: DrawnFaces?
    private let waiting = Waiting()

    private final class Waiting: Sendable {
        private let count = Mutex(0)

        func take() -> Bool {
            count.withLock { count in
                guard count < FaceFinder.mostWaiting else { return false }
                count += 1
                return true
            }
        }

        func giveBack() { count.withLock { $0 -= 1 } }
    }

    /// - Returns: nil where nothing looks at pictures
    init?(host: ModelHost, desk: DetectorDesk?, drawn: DrawnFaces?) {
        guard desk != nil || drawn != nil else { return nil }
        self.host = host
        self.desk = desk
        self.drawn = drawn
    }

    /// - Returns: `nil` where no face is in view, or one that is no use: a few pixels large, or with landmarks that are nowhere
    /// - Throws: `StudioError` of code `busy` while too many pictures wait, and `failed` if the detector fails
    func face(in picture: Picture) async throws(StudioError) -> Found? {
        guard waiting.take() else {
            throw StudioError(
                .busy,
                "expected at most \(Self.mostWaiting) pictures that wait for the face tracker, found as many; send it again in a moment")
        }
        defer { waiting.giveBack() }
        let small = await host.shrunk(picture, to: Self.longestSide)
        let found: LandmarkFrame?
        do {
            let pose = try await desk?.turn { detector in try await detector.detect(small) }
            let roughly = pose.flatMap { $0.showsFace ? $0.face : nil }
            found = try await drawn?.face(in: small, near: roughly) ?? roughly
        } catch {
            throw StudioError(.failed, "the face tracker failed: \(error)")
        }
        guard let face = found else { return nil }
        let isPlaced = face.points.allSatisfy { abs($0.x) <= 10 && abs($0.y) <= 10 && $0.visibility.isFinite }
        let placement = ReferencePlacement(face: face, width: picture.width, height: picture.height)
        guard isPlaced, (try? placement.landmarks(face).checkedAsReference()) != nil else { return nil }
        return Found(landmarks: face, placement: placement)
    }
}
