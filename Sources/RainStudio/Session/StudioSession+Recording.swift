extension StudioSession {
    /// Starts to record what is shown.
    ///
    /// - Throws: `StudioError` of code `conflict` if a recording runs
    func startRecording(_ format: Recording.Format) async throws {
        guard recording == nil else { throw StudioError(.conflict, "a recording already runs; stop it first") }
        let made = Recording(format: format, framesPerSecond: settings.framesPerSecond, isTransparent: settings.background == .transparent)
        recording = made
        await made.run { [weak self, weak made] error in await self?.failed(made, error) }
        do {
            try await wake()
        } catch {
            end(made)
            throw error
        }
        announce()
    }

    private func failed(_ broken: Recording?, _ error: any Error) {
        guard let broken, recording === broken else { return }
        recording = nil
        announce()
        notice("the recording ended: \(error)")
    }

    private func end(_ given: Recording) {
        given.end()
        if recording === given { recording = nil }
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
