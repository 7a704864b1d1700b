// swift-tools-version: 6.2
import PackageDescription

// Kept apart from the engine's package, so that its peers (oneDNN, OpenBLAS, PyTorch) are needed by nobody else.
let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "rain", path: "..")],
    targets: [
        .target(
            name: "COneDNN", cxxSettings: [.unsafeFlags(["-O2", "-fno-exceptions", "-fno-rtti"])],
            linkerSettings: [.linkedLibrary("dnnl")]),
        .systemLibrary(name: "COpenBLAS"),
        .target(name: "CMachine", cxxSettings: [.unsafeFlags(["-O2", "-fno-exceptions", "-fno-rtti", "-ffp-contract=fast"])]),
        .executableTarget(
            name: "kernel-benchmark", dependencies: ["COneDNN", "COpenBLAS", "CMachine", .product(name: "CPUKernels", package: "rain")],
            swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
