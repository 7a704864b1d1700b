import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
public import RainAnimation
import RainFiles
public import RainGraph
import RainMedia
import RainPictures
public import RainPose

/// The studio: a web server on which characters move as their watchers do.
///
/// Plain SwiftNIO: what it needs is small (one table of files, an API of a dozen paths, one binary protocol), while what must be under
/// control is at the level of NIO itself: time for heads and bodies, bytes in flight per client, what happens when a client does not read.
public final class StudioServer: Sendable {
    public struct Configuration: Sendable {
        public var address = "127.0.0.1"
        /// 0 for any that is free.
        public var port = 8787
        /// What requests must carry; needed for every address but this machine's own.
        public var token: String?
        /// Certificate chain and private key, as PEM files; for HTTPS.
        public var certificate: (chain: String, key: String)?
        /// Of a session where nothing else is said.
        public var settings: SessionSettings
        /// Settings that the first session has whatever was kept of it.
        package var given = SettingsChange()
        /// The folder in which characters, sessions and settings are kept; nil to keep nothing.
        public var stateFolder: String?
        /// Whether a state folder that another studio uses is an error; else nothing is kept then.
        public var mustKeep = false
        /// Pages of these origins may use the studio and hold its pages, e.g. `https://example.org`.
        public var origins: [String] = []
        /// The character of the first session; nil for the one that was on stage.
        public var character: UInt64?
        public var sessions = 4
        /// Finds people in the pictures of cameras and films, for all sessions in turn; `nil` where there is none.
        public var detector: (any LandmarkDetecting)?
        /// A picture file for the first session, instead of a character; its name, and the landmarks of its face if they are known, of
        /// which the middle square then goes on stage.
        public var reference: (bytes: [UInt8], name: String, landmarks: LandmarkFrame?)?
        /// Options of the command line that say which model runs, each with a space before it; the page shows them.
        public var modelOptions = ""
        /// Where the frames of the first session go besides, as `FrameSink` understands it.
        public var outputs: [String] = []
        /// Width and height of what goes there; `nil` for at least 512 in videos, and for the pictures' own as raw frames.
        public var outputSide: Int?
        /// Is given news of outputs, for people.
        public var told: @Sendable (String) -> Void = { _ in }
        /// How many connections may be open at once.
        public var connections = 256
        /// How long a request's head, and its body, may take; seconds.
        var headSeconds: Int64 = 10
        var bodySeconds: Int64 = 30
        /// After how many seconds of silence a watcher is taken for gone.
        var silenceSeconds: Int64 = 25
        /// What sessions may take; how many there may be, `sessions` says.
        var limits = SessionStore.Limits()
        /// How landmarks of cameras are smoothed; tests compare without.
        var cameraSmoothing: PersonTracker.Smoothing? = .init()
        /// Whether sessions compute together where they can; tests compare.
        var isCommon = true
        /// What else is served, by the path's only part; tests fetch large bodies.
        var extraPages: [String: [UInt8]] = [:]

        public init(settings: SessionSettings) { self.settings = settings }
    }

    private enum Connection: Sendable {
        case http(HTTPConnection.Channel)
        case socket(SocketConnection.Channel, session: String, video: [PacketEncoder.Codec], isCut: Bool)
    }

    private typealias Listener = NIOAsyncChannel<EventLoopFuture<Connection>, Never>

    let configuration: Configuration
    let store: SessionStore
    let metrics = StudioMetrics()
    private let router: Router
    private let gate: Gate
    private let time: Timekeeper
    private let group: MultiThreadedEventLoopGroup
    private let listener: Listener

    /// Starts to listen, and prepares the first session.
    ///
    /// - Throws: `StudioError` if the port is in use (`.conflict`), the certificate or the state cannot be read, or an address is given without a token
    public static func start(
        _ configuration: Configuration, model: AnimationModel, engine: any Engine, time: Timekeeper = .real()
    ) async throws -> StudioServer {
        guard configuration.token != nil || isLoopback(configuration.address) else {
            throw StudioError(.failed, "\(configuration.address): expected a token for an address that others reach")
        }
        let tls = try configuration.certificate.map(Self.context)
        // Two threads carry hundreds of clients; the processors are for the model.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        do {
            return try await StudioServer(configuration, model: model, engine: engine, time: time, group: group, tls: tls)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        _ configuration: Configuration, model: AnimationModel, engine: any Engine, time: Timekeeper, group: MultiThreadedEventLoopGroup,
        tls: NIOSSLContext?
    ) async throws {
        self.configuration = configuration
        self.time = time
        self.group = group
        let host = ModelHost(
            model: model, engine: engine, time: time, isCommon: configuration.isCommon, modelOptions: configuration.modelOptions)
        var limits = configuration.limits
        limits.sessions = configuration.sessions
        let outputs = configuration.outputs.map { path in
            // Small pictures look poor where others enlarge them without care.
            let side = configuration.outputSide ?? (FrameSink.isVideo(path) ? max(512, model.configuration.imageSize) : nil)
            return StudioOutput(
                .init(path: path, framesPerSecond: configuration.settings.framesPerSecond, side: side), time: time, told: configuration.told
            )
        }
        let kept = try Self.state(configuration)
        let desk = configuration.detector.map { DetectorDesk($0, smoothing: configuration.cameraSmoothing) }
        let (store, metrics) = (
            SessionStore(
                host: host, desk: desk, time: time, limits: limits, settings: configuration.settings, metrics: metrics, outputs: outputs,
                kept: kept),
            metrics
        )
        self.store = store
        let faces = try FaceFinder(host: host, desk: desk, drawn: DrawnFaces(model, engine: engine))
        let place = Router.Place(address: configuration.address, token: configuration.token, isSecure: tls != nil)
        router = Router(store: store, host: host, metrics: metrics, faces: faces, place: place, extraPages: configuration.extraPages)
        let gate = Gate(token: configuration.token, isSecure: tls != nil, origins: Set(try configuration.origins.map(Gate.origin)))
        self.gate = gate
        do {
            listener = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 64)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                // A client that says it will send no more still reads.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                // What the system keeps for a client that does not read is latency nobody sees.
                .childChannelOption(.socketOption(.so_sndbuf), value: 1 << 17)
                .bind(host: configuration.address, port: configuration.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Self.configure(channel, tls: tls, configuration: configuration, gate: gate, store: store, metrics: metrics)
                    }
                }
        } catch {
            kept.takeBack()
            throw Self.refusal(of: configuration, (error as? IOError)?.errnoCode)
        }
        await store.restore(given: configuration.given, told: configuration.told)
        var reference: Reference?
        if let given = configuration.reference {
            reference = try await Self.reference(given, host, faces, kept)
        } else if let seed = configuration.character {
            reference = await host.character(seed)
        }
        if let first = await store.all.first {
            if let reference { try await first.show(reference) }
        } else {
            _ = try await store.make(configuration.given, reference: reference)
        }
    }

    private static func state(_ configuration: Configuration) throws(StudioError) -> StudioState {
        do {
            return try StudioState(folder: configuration.stateFolder, told: configuration.told)
        } catch  where error.code == .busy && !configuration.mustKeep {
            configuration.told(
                "another studio keeps its state in \(configuration.stateFolder ?? ""), so this one keeps nothing; --state names another folder"
            )
            return try StudioState(folder: nil)
        }
    }

    /// The picture that the first session begins with.
    private static func reference(
        _ given: (bytes: [UInt8], name: String, landmarks: LandmarkFrame?), _ host: ModelHost, _ faces: FaceFinder?, _ kept: StudioState
    ) async throws -> Reference {
        let picture = try await host.picture(given.bytes, name: given.name)
        let landmarks = if let known = given.landmarks { known } else { try await faces?.face(in: picture)?.landmarks }
        // A picture with its landmarks is taken as every command takes it; one that is kept is square.
        let crop = given.landmarks.map { _ in Crop(ReferencePlacement(width: picture.width, height: picture.height)) }
        let id = kept.id(of: given.bytes)
        let reference = try await host.reference(
            picture, name: kept.character(id)?.name ?? given.name, id: id, crop: crop, landmarks: landmarks)
        if kept.character(id)?.upload == nil { try await host.keep(reference, in: kept, upload: given.bytes, name: given.name) }
        return reference
    }

    /// Why an address cannot be listened on.
    ///
    /// - Parameter number: the system's error; `nil` for an address that is none
    private static func refusal(of configuration: Configuration, _ number: CInt?) -> StudioError {
        let (address, port) = (configuration.address, configuration.port)
        let message =
            switch number {
            case EADDRINUSE:
                "--port: expected a port that is free at \(address), found \(port), where another program listens; choose another, or 0 for "
                    + "any that is free"
            case EACCES:
                "--port: expected a port that this user may listen on, found \(port); choose one from 1024 on, or 0 for any that is free"
            case nil, EADDRNOTAVAIL:
                "--address: expected an address of this machine, found '\(address)'; 127.0.0.1 is for this machine alone, and 0.0.0.0 stands "
                    + "for all of its addresses"
            case let number?:
                "--address: expected an address to listen on, found '\(address)', port \(port): \(systemMessage(number)); choose "
                    + "another --address or --port"
            }
        return StudioError(number == EADDRINUSE ? .conflict : .failed, message)
    }

    private static func context(_ certificate: (chain: String, key: String)) throws -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate.chain).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: certificate.key, format: .pem)
            return try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
        } catch {
            throw StudioError(
                .failed, "\(certificate.chain), \(certificate.key): expected a certificate chain and its key as PEM, found \(error)")
        }
    }

    /// - Throws: `StudioError` of code `badSettings` for what is no origin
    public static func checkOrigin(_ text: String) throws(StudioError) { _ = try Gate.origin(text) }

    /// Whether only this machine reaches an address.
    public static func isLoopback(_ address: String) -> Bool {
        address == "localhost" || address == "::1" || address.hasPrefix("127.")
    }

    /// The port that is listened on.
    public var port: Int { listener.channel.localAddress?.port ?? configuration.port }

    /// Where the page is, for people.
    public var url: String {
        let base = Self.page(of: configuration, port: port)
        return configuration.token.map { base + "?token=\($0)" } ?? base
    }

    /// Where the page of a studio with such a configuration is, on this machine if it can be had here.
    public static func page(of configuration: Configuration, port: Int) -> String {
        let isHere = isLoopback(configuration.address) || ["0.0.0.0", "::"].contains(configuration.address)
        let name = isHere ? "localhost" : configuration.address
        return "\(configuration.certificate == nil ? "http" : "https")://\(name.contains(":") ? "[\(name)]" : name):\(port)/"
    }

    // MARK: Connections

    private static func configure(
        _ channel: any Channel, tls: NIOSSLContext?, configuration: Configuration, gate: Gate, store: SessionStore, metrics: StudioMetrics
    ) throws -> EventLoopFuture<Connection> {
        let pipeline = channel.pipeline.syncOperations
        if metrics.connect(most: configuration.connections) {
            channel.closeFuture.whenComplete { _ in metrics.disconnect() }
        } else {
            channel.close(promise: nil)
        }
        try pipeline.addHandler(StallDeadline(patience: .seconds(configuration.bodySeconds), metrics: metrics))
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        let upgrader = NIOTypedWebSocketServerUpgrader<Connection>(
            maxFrameSize: ClientMessage.largest,
            shouldUpgrade: { channel, head in
                guard let request = try? StudioRequest(head: head), let id = session(of: request),
                    gate.answer(request.method, path: request.path, query: request.query, request.headers) == .welcome
                else { return channel.eventLoop.makeSucceededFuture(nil) }
                return channel.eventLoop.makeFutureWithTask { (try? await store.session(id)) == nil ? nil : HTTPHeaders() }
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let request = try StudioRequest(head: head)
                    guard let id = session(of: request) else { throw StudioError(.notFound, head.uri) }
                    let video = (request.query["video"] ?? "").split(separator: ",").prefix(8).compactMap {
                        PacketEncoder.Codec(rawValue: String($0))
                    }
                    let pipeline = channel.pipeline.syncOperations
                    pipeline.removeHandler(name: deadlineName, promise: nil)
                    try pipeline.addHandler(
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 1, maxAccumulatedFrameCount: 64, maxAccumulatedFrameSize: ClientMessage.largest))
                    return Connection.socket(
                        try NIOAsyncChannel(wrappingChannelSynchronously: channel), session: id, video: video,
                        isCut: request.query["alpha"] == "1")
                }
            })
        let upgrade = NIOTypedHTTPServerUpgradeConfiguration(
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ResponsePartHandler())
                    return Connection.http(
                        try NIOAsyncChannel(
                            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)))
                }
            })
        var http = NIOUpgradableHTTPServerPipelineConfiguration(upgradeConfiguration: upgrade)
        http.decoderConfiguration.maxHeaderFieldSize = 16 << 10
        http.decoderConfiguration.maxHeaderListSize = 32 << 10
        http.decoderConfiguration.maxHeaderFieldCount = 100
        let connection = try pipeline.configureUpgradableHTTPServerPipeline(configuration: http)
        try pipeline.addHandler(
            RequestDeadline(head: .seconds(configuration.headSeconds), body: .seconds(configuration.bodySeconds), metrics: metrics),
            name: deadlineName)
        return connection
    }

    private static let deadlineName = "deadline"

    /// The session whose socket a request asks for.
    private static func session(of request: StudioRequest) -> String? {
        guard request.path.count == 5, request.path[0...2] == ["api", "v1", "sessions"], request.path[4] == "socket" else { return nil }
        return request.path[3]
    }

    /// How often what has changed is written; all that is lost where the program is killed.
    private static let savePeriod = Duration.milliseconds(250)

    /// Serves until the task is cancelled.
    public func run() async throws {
        do {
            try await withThrowingDiscardingTaskGroup { tasks in
                tasks.addTask { [store] in
                    // The first character is alive before anybody looks.
                    for session in await store.all { try? await session.wake() }
                    while !Task.isCancelled {
                        try? await Task.sleep(for: .seconds(3))
                        await store.sweep()
                    }
                }
                tasks.addTask { [store, told = configuration.told] in
                    var isTold = false
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Self.savePeriod)
                        do throws(FileError) {
                            try store.kept.save()
                            isTold = false
                        } catch {
                            if !isTold { told("what changes is not kept: \(error)") }
                            isTold = true
                        }
                    }
                }
                for output in store.outputs { tasks.addTask { await output.run() } }
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        tasks.addTask { await self.serve(connection) }
                    }
                }
            }
        } catch is CancellationError {
        }
        await store.closeAll()
        try? store.kept.save()
        store.kept.close()
        try? await group.shutdownGracefully()
    }

    private func serve(_ connection: EventLoopFuture<Connection>) async {
        // A connection that fails concerns nobody but its client.
        do {
            switch try await connection.get() {
            case .http(let channel):
                try await HTTPConnection(router: router, gate: gate, metrics: metrics, time: time).serve(channel)
            case .socket(let channel, let id, let video, let isCut):
                guard let session = try? await store.session(id) else { return try await channel.executeThenClose { _, _ in } }
                try await SocketConnection(
                    session: session, metrics: metrics, time: time, patience: .seconds(configuration.silenceSeconds), video: video,
                    isCut: isCut
                ).serve(channel)
            }
        } catch {
            metrics.connectionFailed()
        }
    }
}
