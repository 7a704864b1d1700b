extension StudioSession {
    /// Starts to record what is shown.
    ///
    /// - Throws: `StudioError` of code `conflict` if a recording runs
    func startRecording(_ format: Recording.Format) async throws {
        guard recording == nil else { throw StudioError(.conflict, "a recording already runs; stop it first") }
        recording = Recording(format: format, framesPerSecond: settings.framesPerSecond, isTransparent: settings.background == .transparent)
        do {
            try await wake()
        } catch {
            recording = nil
            throw error
        }
        announce()
    }

    /// Ends the recording.
    ///
    /// - Returns: the file's bytes
    /// - Throws: `StudioError` of code `conflict` if none runs or it has no frames; `MediaError`
    func finishRecording() async throws -> (Recording.Format, [UInt8]) {
        guard let recording else { throw StudioError(.conflict, "no recording runs; start one first") }
        self.recording = nil
        announce()
        return (recording.format, try await recording.finish())
    }
}
