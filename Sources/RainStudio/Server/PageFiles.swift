import StudioPage

/// The files of the page, which are part of the program. A request's path is looked up in this table and nowhere else.
enum PageFiles {
    struct File: Sendable {
        let type: String
        let bytes: [UInt8]
    }

    /// By the path under which each is asked for; the page itself has the empty one.
    static let table: [String: File] = {
        var table: [String: File] = [:]
        for index in 0..<studio_page_count() {
            let name = String(decoding: bytes(name: index), as: UTF8.self)
            let file = (0..<studio_page_length(index)).map { studio_page_byte(index, $0) }
            table[name == "index.html" ? "" : name] = File(type: type(name), bytes: file)
        }
        return table
    }()

    private static func bytes(name index: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while case let byte = studio_page_name_byte(index, bytes.count), byte != 0 { bytes.append(byte) }
        return bytes
    }

    private static func type(_ name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "json": "application/json"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }
}
