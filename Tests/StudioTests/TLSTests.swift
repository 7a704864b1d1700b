import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import RainStudio

extension Studio {
    @Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "needs openssl to make a certificate"))
    struct TLSTests {
        @Test func thePageComesOverTLS() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-tls-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let (chain, key) = (folder.path + "/chain.pem", folder.path + "/key.pem")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            process.arguments = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-keyout", key, "-out", chain,
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            try await TestStudio.run(certificate: (chain, key)) { studio in
                #expect(studio.server.url.hasPrefix("https://localhost:"))
                var configuration = TLSConfiguration.makeClientConfiguration()
                configuration.certificateVerification = .none
                let context = try NIOSSLContext(configuration: configuration)
                let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connect(host: "127.0.0.1", port: studio.port) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                            return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                        }
                    }
                let text = try await channel.executeThenClose { inbound, outbound in
                    let origin = "https://localhost:\(studio.port)"
                    try await outbound.write(
                        ByteBuffer(
                            string: "GET / HTTP/1.1\r\nHost: localhost:\(studio.port)\r\nOrigin: \(origin)\r\nConnection: close\r\n\r\n"))
                    var text = ""
                    do {
                        for try await buffer in inbound { text += String(buffer: buffer) }
                    } catch is NIOSSLError {}
                    return text
                }
                #expect(text.hasPrefix("HTTP/1.1 200") && text.contains("<title>Rain studio</title>"))
            }
        }
    }
}
