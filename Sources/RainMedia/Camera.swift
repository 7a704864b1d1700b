import Glibc
import RainPictures

/// Waits for the pictures of a camera, which come when they come; one that falls silent counts as gone.
///
/// Time is handed in, so that what happens after seconds can be tried without waiting for them.
final class Camera {
    /// What a camera says when it is asked for a picture.
    enum Answer {
        case picture(Picture, seconds: Double?)
        case nothingYet
        case end
    }

    /// How long it may deliver nothing, in seconds.
    static let patience = 5.0

    private let path: String
    private let ask: () throws -> Answer
    private let now: () -> Double
    private let pause: () -> Void
    private var count = 0

    /// - Parameters:
    ///   - path: for errors
    ///   - ask: returns at once; what it throws is why the camera is gone
    ///   - now: a time in seconds that never runs back
    ///   - pause: waits a little before the next question
    init(path: String, now: @escaping () -> Double, pause: @escaping () -> Void, ask: @escaping () throws -> Answer) {
        self.path = path
        self.ask = ask
        self.now = now
        self.pause = pause
    }

    /// A real one.
    convenience init(path: String, _ decoder: Decoder) {
        let start = ContinuousClock.now
        self.init(path: path, now: { (ContinuousClock.now - start) / .seconds(1) }, pause: { usleep(2000) }, ask: decoder.answer)
    }

    /// The next picture, waited for.
    ///
    /// - Throws: `MediaError` if the camera has gone, ended or fallen silent
    func next() throws -> (picture: Picture, seconds: Double?) {
        let start = now()
        while true {
            let answer: Answer
            do {
                answer = try ask()
            } catch let error as MediaError where error.code == .malformed {
                throw gone(error.found)
            }
            switch answer {
            case .picture(let picture, let seconds):
                count += 1
                return (picture, seconds)
            case .end: throw gone("the end of its stream")
            case .nothingYet:
                guard now() - start <= Self.patience else { throw gone("no picture for \(Int(Self.patience)) s") }
                pause()
            }
        }
    }

    private func gone(_ found: String) -> MediaError {
        MediaError(
            .unreadable, file: path, expected: "a camera that goes on after \(count) pictures", found: found,
            advice: "check that it is still plugged in")
    }
}
