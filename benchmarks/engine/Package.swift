// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as benchmarks/rpc: what only measures Baton never becomes part of it.

let package = Package(
  name: "engine-bench",
  platforms: [.macOS(.v26)],
  dependencies: [
    .package(name: "baton", path: "../..")
  ],
  targets: [
    .executableTarget(
      name: "EngineLoad",
      dependencies: [.product(name: "Stubs", package: "baton")],
      swiftSettings: [.treatAllWarnings(as: .error)])
  ],
  swiftLanguageModes: [.v6]
)
