// swift-tools-version: 6.2
import PackageDescription

// A package of its own: what is only compared with never becomes a dependency of Baton. The peers
// are left out unless RPC_BENCH_PEERS is set, because they take minutes to build.

let echoServer: Target = .executableTarget(
  name: "EchoServer",
  dependencies: [
    .product(name: "GRPC", package: "baton"),
    .product(name: "Messages", package: "baton"),
    .product(name: "CoreMetrics", package: "swift-metrics"),
    .product(name: "NIOPosix", package: "swift-nio"),
  ])

let package = Package(
  name: "rpc-bench",
  platforms: [.macOS(.v26)],
  dependencies: [
    .package(name: "baton", path: "../.."),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [echoServer],
  swiftLanguageModes: [.v6]
)

if Context.environment["RPC_BENCH_PEERS"] == "1" {
  package.dependencies += [
    .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
  ]
  let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
  package.targets += [
    // Made by bench.py from the protos.
    .target(name: "PeerMessages", dependencies: [protobuf]),
    .executableTarget(
      name: "GRPCSwiftEcho",
      dependencies: [
        "PeerMessages",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(
          name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .executableTarget(
      name: "CodecBench",
      dependencies: [
        "PeerMessages", protobuf,
        .product(name: "Messages", package: "baton"),
      ]),
  ]
}
