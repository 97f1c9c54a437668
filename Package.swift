// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6 language mode, explicit imports, no warning.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// What declares or extends types that must not outlive their memory: views of messages.
let views: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

/// Every room: an async function runs where its caller does, so that a handler stays on the event
/// loop of its connection.
let house: [SwiftSetting] =
  strict + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

/// Rooms that every call runs through: a release leaves out the run-time checks for overlapping
/// access, a fifth of a call's cost. Debug and sanitizer builds keep them.
let hot: [SwiftSetting] =
  house + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// One room of the house; `docs/architecture.md` says who may know whom.
func room(
  _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = house
) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: [], swiftSettings: strict)
}

/// A program of the gRPC interop tests; only tests run it.
func interop(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["GRPC", "InteropMessages", "InteropStubs", arguments],
    path: "Tests/Interop/\(name)", swiftSettings: house)
}

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let locks: Target.Dependency = .product(
  name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let arguments: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let tracing: Target.Dependency = .product(
  name: "Tracing", package: "swift-distributed-tracing")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
  name: "baton",
  platforms: [.macOS(.v26)],
  products: [
    .executable(name: "baton", targets: ["baton"]),
    .executable(name: "baton-mock-adapter", targets: ["baton-mock-adapter"]),
    .executable(name: "protoc-gen-baton-swift", targets: ["protoc-gen-baton-swift"]),
    // What a caller in Swift imports.
    .library(name: "Stubs", targets: ["Stubs", "GRPC", "Messages"]),
    // For benchmarks/rpc, a package of its own.
    .library(name: "GRPC", targets: ["GRPC"]),
    .library(name: "Messages", targets: ["Messages"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C libraries, each with one importer.
    .systemLibrary(
      name: "CNghttp2", path: "Sources/CNghttp2", pkgConfig: "libnghttp2",
      providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(
      name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(
      name: "CCrypto", path: "Sources/CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CProtobufC", path: "Sources/CProtobufC", pkgConfig: "libprotobuf-c",
      providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "CMessages", dependencies: ["CProtobufC"]),

    // The core: pure, or with nothing but threads and a clock.
    room("JSON"),
    room("Plan", ["JSON"]),
    room("Digests", ["Plan", "CCrypto"]),
    room("Engine", ["Plan", heap]),
    room("Store", ["Plan", "JSON", locks]),
    room("Queue", ["Plan", locks]),
    room(
      "Orchestrator",
      ["Engine", "Store", "Queue", "Plan", "JSON", "Digests", heap, locks]),

    // The RPC boundary.
    room("Messages", ["CMessages", "CProtobufC"], settings: hot + views),
    room("HTTP2", ["CNghttp2", nioCore], settings: hot),
    room(
      "GRPC",
      [
        "HTTP2", "Messages", "CZlib", nioCore, nioPosix, nioTLS, nioSSL, locks, log, metrics,
        tracing,
      ], settings: hot),
    room("Stubs", ["GRPC", "Messages"]),

    // Leaves and the service that puts everything together.
    room("StoreSQLite", ["Store", "Plan", "JSON", "CSQLite", locks]),
    room("PlanMapping", ["Plan", "Messages"]),
    room("Configuration", ["Plan", "JSON", yams]),
    room(
      "Service",
      [
        "Configuration", "Orchestrator", "Engine", "Store", "StoreSQLite", "Queue", "Plan",
        "JSON", "Digests", "PlanMapping", "Stubs", "GRPC", "Messages", nioCore, nioPosix,
        nioHTTP1, locks, log,
      ]),
    room("AdapterKit", ["Stubs", "GRPC", "Messages", "JSON", nioPosix, locks, log]),

    // Programs.
    room(
      "BatonCLI",
      [
        "Configuration", "Service", "PlanMapping", "Store", "Plan", "JSON", "Stubs", "GRPC",
        "Messages", arguments, locks, log,
      ]),
    .executableTarget(name: "baton", dependencies: ["BatonCLI"], swiftSettings: house),
    .executableTarget(
      name: "baton-mock-adapter",
      dependencies: [
        "AdapterKit", "Stubs", "GRPC", "Messages", "Plan", "JSON", arguments, locks, log,
      ],
      swiftSettings: house),

    // Calls Baton, for others to copy.
    .executableTarget(
      name: "baton-example-client", dependencies: ["Stubs", "GRPC", "Messages"],
      path: "examples/clients/swift", swiftSettings: house),

    // The code generator.
    .target(name: "CDescriptor", dependencies: ["CProtobufC"], path: "codegen/CDescriptor"),
    .target(name: "CKinds", dependencies: ["CProtobufC"], path: "codegen/CKinds"),
    .executableTarget(
      name: "protoc-gen-baton-swift", dependencies: ["CDescriptor", "CProtobufC"],
      path: "codegen/protoc-gen-baton-swift", swiftSettings: house),

    // The messages and stubs of gRPC's interoperability tests.
    .target(
      name: "CInteropMessages", dependencies: ["CProtobufC"],
      path: "Tests/Interop/CInteropMessages"),
    .target(
      name: "InteropMessages", dependencies: ["Messages", "CInteropMessages", "CProtobufC"],
      path: "Tests/Interop/InteropMessages", swiftSettings: house),
    .target(
      name: "InteropStubs", dependencies: ["GRPC", "InteropMessages"],
      path: "Tests/Interop/InteropStubs", swiftSettings: house),
    interop("interop-server"),
    interop("interop-client"),

    // Tests, and the suites that every store and every queue runs.
    room("StoreConformance", ["Store", "Plan", "JSON", locks]),
    room("QueueConformance", ["Queue", "Plan", locks]),
    tests("JSONTests", ["JSON"]),
    tests("PlanTests", ["Plan", "JSON"]),
    tests("EngineTests", ["Engine", "Plan", "JSON"]),
    tests("DigestsTests", ["Digests", "Plan"]),
    tests("StoreTests", ["Store", "StoreConformance", "Plan", "JSON"]),
    tests("StoreSQLiteTests", ["StoreSQLite", "Store", "StoreConformance", "Plan"]),
    tests("QueueTests", ["Queue", "QueueConformance", "Plan"]),
    tests(
      "OrchestratorTests",
      ["Orchestrator", "Engine", "Store", "Queue", "Plan", "JSON", locks]),
    .testTarget(
      name: "MessagesTests", dependencies: ["Messages", "CKinds", "CProtobufC"],
      swiftSettings: strict + views),
    tests("CodegenTests", ["protoc-gen-baton-swift"]),
    tests("HTTP2Tests", ["HTTP2", nioCore, nioEmbedded]),
    tests(
      "GRPCTests",
      [
        "GRPC", "HTTP2", "Messages", "Stubs", nioCore, nioPosix, nioEmbedded, locks, log, metrics,
        tracing, .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
      ]),
    tests("HTTP2ConformanceTests", ["GRPC", "Messages", nioCore, nioPosix, locks]),
    tests("ConfigurationTests", ["Configuration", "Plan", "JSON"]),
    tests(
      "BatonCLITests",
      ["BatonCLI", "Configuration", "GRPC", "Plan", "JSON", "Messages", arguments, log]),
    tests(
      "AdapterKitTests",
      ["baton-mock-adapter", "AdapterKit", "Stubs", "GRPC", "Messages", "JSON", locks, log]),
    tests("ArchitectureTests", []),

    // What libFuzzer runs, and its corpus as tests; see `fuzzers`.
    .target(
      name: "FuzzTargets",
      dependencies: ["GRPC", "HTTP2", "Messages", "CKinds", "CProtobufC", nioCore],
      path: "Tests/Fuzz/FuzzTargets", swiftSettings: strict + views),
    tests("FuzzTests", ["FuzzTargets"]),

    // The whole orchestrator from one seed; `make sim` runs it.
    .target(
      name: "Simulation",
      dependencies: [
        "Orchestrator", "AdapterKit", "Engine", "Store", "StoreSQLite", "Queue", "Plan", heap,
        locks,
      ],
      path: "Tests/Simulation/Simulation", swiftSettings: strict),
    .executableTarget(
      name: "baton-sim", dependencies: ["Simulation"], path: "Tests/Simulation/baton-sim",
      swiftSettings: strict),
    tests("SimulationTests", ["Simulation", "baton-sim"]),
    tests("InteropTests", ["interop-server", "interop-client"]),
    tests(
      "EndToEndTests",
      [
        "Stubs", "GRPC", "Messages", "PlanMapping", "Plan", "JSON", "BatonCLI", locks, nioCore,
        nioPosix,
      ]),
  ],
  swiftLanguageModes: [.v6]
)

/// `make fuzz` alone builds this: libFuzzer brings the program's `main`.
if Context.environment["BATON_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/fuzz", swiftSettings: strict))
}
