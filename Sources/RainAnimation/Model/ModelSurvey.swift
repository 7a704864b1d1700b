package import RainCheckpoints
import RainFiles
import RainModels

/// What a model's folder or file holds, part by part; also of one that cannot be run, with all that is wrong instead of the first.
package struct ModelSurvey {
    package struct Part {
        /// For people: "the pose guider", or a file's name.
        package let title: String
        /// `nil` if it is missing or cannot be opened.
        package fileprivate(set) var file: Checkpoint?
        /// What keeps the model from being run, one sentence.
        package fileprivate(set) var problem: String?
        /// Where the published file is.
        package let origin: String?
    }

    package private(set) var parts: [Part] = []
    /// What is wrong with the whole: files that are no part of it, or descriptions that do not fit.
    package private(set) var problem: String?
    /// What the model is, if nothing is wrong.
    package private(set) var configuration: ModelConfiguration?

    /// - Parameter path: of a model's folder or file, as for `ModelFiles`
    package init(path: String) {
        if FileSystem.isFolder(path), !FileSystem.exists(path + "/model.json"), PublishedFolder.isPresent(at: path) {
            survey(published: path)
            return
        }
        do {
            let files = try ModelFiles(path: path)
            configuration = files.configuration
            parts = files.checkpoints.map { Part(title: $0.name, file: $0.file, origin: nil) }
        } catch {
            problem = "\(error)"
        }
    }

    private mutating func survey(published path: String) {
        var settings = PublishedSettings()
        do {
            settings = try PublishedSettings(folder: path)
        } catch {
            problem = "\(error)"
        }
        let folder = PublishedFolder(path, settings: settings)
        var sources: [PublishedConfiguration.Part: ParameterSource] = [:]
        var found: [PublishedConfiguration.Part: Part] = [:]
        for part in PublishedConfiguration.Part.allCases {
            var entry = Part(title: part.title, origin: PublishedFolder.origin(of: part))
            do {
                if let file = folder.weights[part] {
                    let checkpoint = try Checkpoint(path: file)
                    entry.file = checkpoint
                    sources[part] = try WrappedNames(part).unwrap(ParameterSource([checkpoint]))
                } else {
                    entry.problem = "expected \(folder.missing[part] ?? part.rawValue), found none"
                }
            } catch {
                entry.problem = "\(error)"
            }
            found[part] = entry
        }
        sources[.autoencoder] = sources[.autoencoder]?.renamed(AutoencoderKL.currentName)
        do {
            let published = try PublishedModel.configuration(folder, sources)
            for (part, source) in sources {
                do {
                    try PublishedDiagnosis(part: part, configuration: published).check(source)
                } catch {
                    found[part]?.problem = "\(error)"
                }
            }
            if !folder.surplus.isEmpty {
                problem = problem ?? "\(path): no part of the published model: \(folder.surplus.prefix(20).joined(separator: ", "))"
            }
            if problem == nil, found.values.allSatisfy({ $0.problem == nil }) { configuration = try ModelConfiguration(published) }
        } catch {
            problem = problem ?? "\(error)"
        }
        parts = PublishedConfiguration.Part.allCases.compactMap { found[$0] }
    }
}
