import Foundation
import Testing

@Suite("Imports go downwards only")
struct RulesTests {
  @Test("This repository keeps the rules of docs/architecture.md")
  func repository() throws {
    let tree = try SourceTree(root: repositoryRoot)
    #expect(roomTable(tree.architecture).count >= 15)
    #expect(manifestTargets(tree.manifest).contains { $0.name == "Plan" })
    for breach in breaches(in: tree) { Issue.record("\(breach)") }
  }

  @Test("A small tree that keeps them passes")
  func soundTree() {
    #expect(breaches(in: small()) == [])
  }

  @Test(
    "A wrong import is named",
    arguments: [
      ("Plan/A.swift", "import Engine", "Plan may not import Engine"),
      (
        "Plan/A.swift", "  @testable public import struct Engine.Decision",
        "Plan may not import Engine"
      ),
      ("Engine/A.swift", "internal import Foundation", "Engine may not import Foundation"),
      ("Engine/A.swift", "import Logging", "Engine may not import Logging"),
      ("Service/A.swift", "import CSQLite", "Service may not import CSQLite"),
      ("Service/A.swift", "import Engine", "does not say that Service depends on Engine"),
      ("Plan/A.swift", "let now = Date()", "Plan may not use Date"),
      ("Engine/A.swift", "let n = Int.random(in: 0..<9)", "Engine may not use random"),
      ("Store/A.swift", "let lock = Mutex(0)", "Store may not use Mutex"),
      ("Engine/A.swift", "// as in CrewAI", "Engine serves any framework and may not name crewai"),
      ("Store/LangChain.swift", "let langChain = 1", "Store serves any framework"),
      ("Store/Other/B.swift", "import CSQLite", "CSQLite is imported in Store and Store/Other"),
      ("Attic/A.swift", "", "Attic is a folder of Sources and has no row"),
    ])
  func wrongFile(path: String, text: String, expected: String) throws {
    var tree = small()
    tree.files[path] = text
    let found = breaches(in: tree)
    let first = try #require(found.first)
    #expect(found.count == 1)
    #expect(first.contains(expected))
  }

  @Test("What a comment says is not an import, what a string says is no comment")
  func lexing() {
    let source = SwiftSource(
      """
      // import A
      /* import B /* nested */
      import C */
      let url = "https://example.org"; let more = #"a "// b"#
      import D
      """)
    #expect(source.imports == ["D"])
    #expect(source.code.contains("https://example.org"))
    #expect(source.code.contains(##"#"a "// b"#"##))
  }

  @Test("A dependency of Package.swift beyond the table is named")
  func wrongDependency() {
    var tree = small()
    tree.manifest = tree.manifest.replacing(
      #"room("Engine", ["Plan", heap])"#, with: #"room("Engine", ["Plan", "Store", heap])"#)
    #expect(breaches(in: tree) == ["Package.swift: Engine may not depend on Store"])
  }

  @Test("A room without a target is named")
  func missingTarget() {
    var tree = small()
    tree.manifest = tree.manifest.replacing(#"room("Plan"),"#, with: "")
    #expect(breaches(in: tree) == ["Plan is a folder of Sources and no target of Package.swift"])
  }

  @Test("A second importer of a C library is named")
  func secondImporter() {
    var tree = small()
    tree.architecture = tree.architecture.replacing(
      "| `Service` | top | `Engine` `Store` | |",
      with: "| `Service` | top | `Engine` `Store` | `CSQLite` |")
    #expect(
      breaches(in: tree) == ["CSQLite has 2 importers in docs/architecture.md, not one"])
  }

  @Test("A circle in the table is named")
  func circle() {
    var tree = small()
    tree.architecture = tree.architecture.replacing(
      "| `Plan` | model | | |", with: "| `Plan` | model | `Engine` | |")
    #expect(
      breaches(in: tree)
        == ["docs/architecture.md: the rooms Engine, Plan, Service, Store stand in a circle"])
  }

  /// Four rooms and a C library.
  private func small() -> SourceTree {
    SourceTree(
      manifest: """
        let heap: Target.Dependency = .product(
          name: "HeapModule", package: "swift-collections")
        func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
          .target(name: name, dependencies: dependencies, swiftSettings: house)
        }
        let package = Package(targets: [
          .systemLibrary(name: "CSQLite", path: "Sources/CSQLite"),
          room("Plan"),
          room("Engine", ["Plan", heap]),
          .target(name: "Store", dependencies: ["Plan", "CSQLite"], swiftSettings: house),
          room("Service", ["Store"]),
        ])
        """,
      architecture: """
        | room | what it does | rooms it may import | libraries |
        |---|---|---|---|
        | `Plan` | model | | |
        | `Engine` | decisions | `Plan` | `HeapModule` |
        | `Store` | rows | `Plan` | `CSQLite` |
        | `Service` | top | `Engine` `Store` | |

        text after it
        """,
      files: [
        "CSQLite/module.modulemap": "module CSQLite {}",
        "Plan/Plan.swift": "public struct Plan {}",
        "Engine/Engine.swift": "internal import HeapModule\npublic import Plan\n",
        "Store/Store.swift": "import CSQLite\nimport Foundation\nimport Plan\n",
        "Service/Service.swift": "import Store\n",
      ])
  }
}

/// The folder that holds Package.swift.
private let repositoryRoot = URL(filePath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

extension SourceTree {
  /// Reads the tree from disk.
  fileprivate init(root: URL) throws {
    func text(_ path: String) throws -> String {
      try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
    self.init(
      manifest: try text("Package.swift"), architecture: try text("docs/architecture.md"),
      files: [:])
    for path in try FileManager.default.subpathsOfDirectory(
      atPath: root.appending(path: "Sources").path())
    where [".swift", ".h", ".c", ".modulemap"].contains(where: path.hasSuffix) {
      files[path] = try text("Sources/\(path)")
    }
  }
}
