import Foundation
import Glibc
import Testing

@testable import RainStudio

extension Studio {
    /// Answers come whole, whatever clients say about their connections and however slowly they read.
    @Suite struct WholeAnswerTests {
        /// What a client says and does besides asking.
        struct Manner: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var version = "1.1"
            var header = ""
            var isHead = false
            /// Whether the client shuts its writing side after the request.
            var isHalfClosed = false
            /// Bytes behind the request that nothing asked for.
            var surplus = 0
            /// Whether the studio is to end the connection.
            var ends = true
        }

        static let manners = [
            Manner(testDescription: "HTTP/1.1", ends: false),
            Manner(testDescription: "HTTP/1.1, close", header: "Connection: close\r\n"),
            Manner(testDescription: "HTTP/1.0", version: "1.0"),
            Manner(testDescription: "HTTP/1.0, keep-alive", version: "1.0", header: "Connection: keep-alive\r\n", ends: false),
            Manner(testDescription: "HTTP/1.1, half-closed", isHalfClosed: true),
            Manner(testDescription: "HTTP/1.1, close, half-closed", header: "Connection: close\r\n", isHalfClosed: true),
            Manner(testDescription: "HTTP/1.0, half-closed", version: "1.0", isHalfClosed: true),
            Manner(testDescription: "HTTP/1.1, close, and more is sent", header: "Connection: close\r\n", surplus: 200_000),
            Manner(testDescription: "HEAD", header: "Connection: close\r\n", isHead: true),
            Manner(testDescription: "HEAD, half-closed", version: "1.0", isHead: true, isHalfClosed: true),
        ]

        /// Bytes of a body, and how many requests ask for it.
        static let bodies = [1 << 10: 40, 40_000: 40, 300_000: 30, 1 << 20: 10, 10 << 20: 5]

        private static func content(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) } }

        @Test(arguments: manners) func answersAreWhole(_ manner: Manner) async throws {
            let pages = Dictionary(uniqueKeysWithValues: Self.bodies.keys.map { ("\($0).bin", Self.content($0)) })
            try await TestStudio.run(extraPages: pages) { studio in
                var (whole, asked) = (0, 0)
                for (count, times) in Self.bodies {
                    let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                        for index in 0..<times {
                            if index >= 8 { _ = try await group.next().map { whole += $0 ? 1 : 0 } }
                            group.addTask {
                                let client = RawClient(port: studio.port)
                                let answer = try await client.ask(for: "/\(count).bin", manner)
                                return answer.bytes == (manner.isHead ? [] : pages["\(count).bin"]) && answer.length == count
                                    && answer.isEnded == manner.ends
                            }
                        }
                        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                    }
                    whole += answers
                    asked += times
                }
                #expect(whole == asked, "\(manner.testDescription): \(whole) of \(asked) answers whole")
            }
        }

        /// Reading takes longer than the studio's patience, which is for clients that do not read at all. The patience is such that a client
        /// which a busy machine holds up for seconds is not taken for one of them.
        @Test func slowReadersGetAll() async throws {
            let pages = ["large.bin": Self.content(1 << 20), "small.bin": Self.content(150_000)]
            try await TestStudio.run(seconds: 20, extraPages: pages) { studio in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for manner in Self.manners where !manner.isHead {
                        for (name, pause) in [("large.bin", 0.1), ("small.bin", 0.6)] {
                            group.addTask {
                                let client = RawClient(port: studio.port, pause: pause)
                                let answer = try await client.ask(for: "/\(name)", manner)
                                #expect(answer.bytes == pages[name], "\(manner.testDescription), \(name): \(answer.bytes.count) bytes")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await until { try await studio.get("/metrics").text.contains("rain_connections 1\n") }
            }
        }
    }
}

/// A client that does exactly what it is told, on a plain socket.
private struct RawClient: Sendable {
    let port: Int
    /// Seconds between two reads, of few bytes each; `nil` to read as fast as can be.
    var pause: Double?

    struct Found: Sendable {
        var bytes: [UInt8]
        /// The content length that was announced.
        var length: Int?
        /// Whether the connection's end came in good order.
        var isEnded: Bool
    }

    /// Blocking calls stay away from the threads of tasks.
    private static let queue = DispatchQueue(label: "raw clients", attributes: .concurrent)

    func ask(for path: String, _ manner: Studio.WholeAnswerTests.Manner) async throws -> Found {
        try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { continuation.resume(with: Result { try fetch(path, manner) }) }
        }
    }

    private func fetch(_ path: String, _ manner: Studio.WholeAnswerTests.Manner) throws -> Found {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var size: Int32 = pause == nil ? 1 << 16 : 1 << 13
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw WireError(text: "connect: error \(errno)") }
        let request =
            "\(manner.isHead ? "HEAD" : "GET") \(path) HTTP/\(manner.version)\r\nHost: localhost:\(port)\r\n\(manner.header)\r\n"
        let bytes = Array(request.utf8) + [UInt8](repeating: 0x20, count: manner.surplus)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { break }
            sent += count
        }
        if manner.isHalfClosed { shutdown(descriptor, Int32(SHUT_WR)) }
        var received: [UInt8] = []
        var (start, length): (Int?, Int?)
        var isEnded = false
        var chunk = [UInt8](repeating: 0, count: pause == nil ? 1 << 16 : 10_000)
        while true {
            if start == nil, let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                start = end.upperBound
                length = try Answer(received).headers["content-length"].flatMap { Int($0) }
            }
            if !manner.ends, let start, let length, received.count >= start + length { break }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else {
                isEnded = count == 0
                break
            }
            received += chunk[..<count]
            if let pause { usleep(UInt32(pause * 1e6)) }
        }
        // What was sent beyond the request is refused behind the answer.
        let body = start.map { received[$0...] } ?? []
        let asked = manner.surplus > 0 ? body.prefix(length ?? 0) : body
        return Found(bytes: Array(asked), length: length, isEnded: isEnded)
    }
}
