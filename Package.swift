// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 mode with the upcoming features the project is written in.
///
/// Tests run in release, since numeric ones are many times slower in debug, and look inside modules; compiled to allow
/// that, one release build serves both them and the program.
let common: [SwiftSetting] = [
    .unsafeFlags(["-enable-testing"], .when(configuration: .release)),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Modules that must not contain unsafe code at all.
let safe: [SwiftSetting] = common + [.strictMemorySafety()]

let package = Package(
    name: "rain",
    products: [
        .executable(name: "rain", targets: ["rain"]),
        // For Benchmarks/, which is a package of its own.
        .library(name: "CPUKernels", targets: ["CPUKernels"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Foreign code: kernels in C++, and what Debian brings.
        .target(
            name: "CPUKernels", cxxSettings: [.unsafeFlags(["-O3", "-fno-exceptions", "-fno-rtti"])],
            linkerSettings: [.linkedLibrary("pthread")]),
        .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
        .target(
            name: "CFFmpeg",
            linkerSettings: ["avformat", "avcodec", "swscale", "swresample", "avdevice", "avutil"].map {
                .linkedLibrary($0)
            }),
        .target(name: "CVips", linkerSettings: [.linkedLibrary("dl")]),

        // The model that comes with the program; its folder is a model package.
        .target(name: "EmbeddedModel", path: "Models/rain-mini", sources: ["EmbeddedModel.c"]),

        // One hash, one generator, one median, one rule from numbers to bytes.
        .target(name: "RainNumbers", swiftSettings: safe),

        // The engine.
        .target(name: "RainGraph", swiftSettings: safe),
        .target(name: "RainCPU", dependencies: ["RainGraph", "RainNumbers", "CPUKernels"], swiftSettings: common),

        // Files, pictures and people.
        .target(name: "RainFiles", swiftSettings: common),
        .target(name: "RainCheckpoints", dependencies: ["RainFiles", "EmbeddedModel"], swiftSettings: common),
        .target(name: "RainNetworks", dependencies: ["RainGraph", "RainFiles", "RainCheckpoints"], swiftSettings: safe),
        .target(name: "RainTFLite", dependencies: ["RainGraph", "RainCheckpoints", "RainNetworks"], swiftSettings: safe),
        .target(
            name: "RainONNX",
            dependencies: [
                "RainGraph", "RainFiles", "RainCheckpoints", "RainNetworks", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Messages/onnx.proto"], swiftSettings: safe),
        .target(name: "RainPictures", dependencies: ["RainFiles", "CCairo"], swiftSettings: common),
        .target(name: "RainMedia", dependencies: ["RainFiles", "RainPictures", "CFFmpeg", "CVips"], swiftSettings: common),
        .target(name: "RainPose", dependencies: ["RainNumbers", "RainFiles", "RainPictures"], swiftSettings: safe),
        .target(
            name: "RainDetection",
            dependencies: ["RainGraph", "RainFiles", "RainNetworks", "RainONNX", "RainTFLite", "RainPictures", "RainPose"],
            swiftSettings: safe),
        .target(name: "RainWorld", dependencies: ["RainNumbers", "RainPictures", "RainPose"], swiftSettings: safe),

        // The method.
        .target(name: "RainModels", dependencies: ["RainNumbers", "RainGraph", "RainFiles", "RainCheckpoints"], swiftSettings: safe),
        .target(
            name: "RainAnimation",
            dependencies: [
                "RainNumbers", "RainGraph", "RainFiles", "RainCheckpoints", "RainModels", "RainPictures", "RainPose",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: safe),
        .target(
            name: "RainVerification",
            dependencies: [
                "RainGraph", "RainFiles", "RainCheckpoints", "RainModels", "RainPictures", "RainPose", "RainNetworks", "RainONNX",
            ],
            swiftSettings: safe),
        .target(
            name: "RainTraining",
            dependencies: [
                "RainNumbers", "RainGraph", "RainModels", "RainFiles", "RainCheckpoints", "RainPictures", "RainPose", "RainWorld",
                "RainAnimation",
            ],
            swiftSettings: safe),

        // The web app.
        .target(name: "StudioPage", exclude: ["Page"]),
        .target(
            name: "RainStudio",
            dependencies: [
                "StudioPage", "RainNumbers", "RainGraph", "RainFiles", "RainPictures", "RainMedia", "RainPose", "RainWorld",
                "RainAnimation",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: safe),

        .executableTarget(
            name: "rain",
            dependencies: [
                "RainNumbers", "RainGraph", "RainCPU", "RainFiles", "RainCheckpoints", "RainPictures", "RainMedia", "RainPose", "RainWorld",
                "RainModels",
                "RainAnimation", "RainTraining", "RainVerification", "RainNetworks", "RainONNX", "RainTFLite", "RainDetection",
                "RainStudio",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: common),

        // Each module is tested beside its own name.
        .target(
            name: "RainTesting",
            dependencies: ["RainGraph", "RainCheckpoints", "RainNetworks", "RainModels", "RainPictures", "RainPose", "RainAnimation"],
            path: "Tests/RainTesting", swiftSettings: common),
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
        .testTarget(name: "RainGraphTests", dependencies: ["RainGraph", "RainTesting"], swiftSettings: common),
        .testTarget(name: "RainCPUTests", dependencies: ["RainCPU", "CPUKernels", "RainTesting"], swiftSettings: common),
        .testTarget(name: "RainFilesTests", dependencies: ["RainFiles"], swiftSettings: common),
        .testTarget(name: "RainCheckpointsTests", dependencies: ["RainCheckpoints"], swiftSettings: common),
        .testTarget(
            name: "RainONNXTests",
            dependencies: [
                "RainNetworks", "RainONNX", "RainCPU", "RainTesting", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: common),
        .testTarget(
            name: "RainTFLiteTests", dependencies: ["RainNetworks", "RainTFLite", "RainCPU", "RainGraph", "RainTesting"],
            swiftSettings: common),
        .testTarget(name: "RainPicturesTests", dependencies: ["RainPictures"], swiftSettings: common),
        .testTarget(name: "RainMediaTests", dependencies: ["RainMedia"], swiftSettings: common),
        .testTarget(name: "RainPoseTests", dependencies: ["RainPose", "RainPictures"], swiftSettings: common),
        .testTarget(
            name: "RainDetectionTests",
            dependencies: [
                "RainDetection", "RainNetworks", "RainONNX", "RainTFLite", "RainCPU", "RainGraph", "RainPictures", "RainMedia", "RainPose",
            ],
            swiftSettings: common),
        .testTarget(name: "RainWorldTests", dependencies: ["RainWorld", "RainNumbers"], swiftSettings: common),
        .testTarget(name: "RainModelsTests", dependencies: ["RainModels", "RainCPU", "RainTesting"], swiftSettings: common),
        .testTarget(
            name: "RainVerificationTests",
            dependencies: ["RainVerification", "RainModels", "RainPose", "RainCPU", "RainCheckpoints", "RainGraph", "RainTesting"],
            swiftSettings: common),
        .testTarget(
            name: "RainAnimationTests", dependencies: ["RainAnimation", "RainCPU", "RainTesting", "CAllocationCount"],
            swiftSettings: common),
        .testTarget(name: "RainTrainingTests", dependencies: ["RainTraining", "RainCPU", "RainTesting"], swiftSettings: common),
        .testTarget(
            name: "StudioTests",
            dependencies: [
                "rain", "RainGraph", "RainStudio", "RainAnimation", "RainCPU", "RainPictures", "RainMedia", "RainPose", "RainDetection",
                "RainWorld", "RainTesting",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: common),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "rain", "RainCPU", "RainCheckpoints", "RainPictures", "RainMedia", "RainPose", "RainModels", "RainDetection",
                "RainAnimation", "RainTesting",
            ],
            swiftSettings: common),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
