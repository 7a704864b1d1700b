import Foundation

/// Where the user's own files of a kind are, by the XDG Base Directory Specification: what is relative or empty there is passed over.
package enum UserFolder {
    case data, state, configuration

    package var path: String {
        let environment = ProcessInfo.processInfo.environment
        let (variable, usual) =
            switch self {
            case .data: ("XDG_DATA_HOME", ".local/share")
            case .state: ("XDG_STATE_HOME", ".local/state")
            case .configuration: ("XDG_CONFIG_HOME", ".config")
            }
        if let path = environment[variable], path.hasPrefix("/") { return path }
        return "\(environment["HOME"] ?? NSHomeDirectory())/\(usual)"
    }
}
