import Foundation

/// Runs the real protoc with the built plugin on proto files written for one test.
struct PluginRun {
  /// What protoc said, empty where all went well.
  var diagnostics: String
  /// Generated files by name; empty where protoc failed.
  var files: [String: String] = [:]
  /// protoc's own `FileDescriptorProto` of each file, without comments.
  var descriptors: [String: Data] = [:]
  var succeeded: Bool

  struct MissingPlugin: Error {
    var path: String
  }

  /// Executables are built into the folder of the test bundle.
  private static func plugin() throws -> String {
    var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let name = "protoc-gen-baton-swift"
    // On macOS the test binary lies some folders deep in its bundle.
    for _ in 0..<4 {
      let path = folder.appending(path: name).path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
      folder = folder.deletingLastPathComponent()
    }
    throw MissingPlugin(path: folder.appending(path: name).path)
  }

  /// - Parameter protos: Contents by file name; output is asked for all of them.
  init(_ protos: [String: String], options: String = "mode=messages") throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    let output = folder.appending(path: "out")
    try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, content) in protos {
      try Data(content.utf8).write(to: folder.appending(path: name))
    }
    let errors = folder.appending(path: "err")
    try Data().write(to: errors)
    let includes = ["-I", folder.path, "-I", "/usr/include"]
    succeeded = try Self.protoc(
      includes + [
        "--plugin=protoc-gen-baton-swift=\(try Self.plugin())",
        "--baton-swift_out=\(output.path)", "--baton-swift_opt=\(options)",
      ] + protos.keys.sorted(), errors)
    diagnostics = try String(
      decoding: FileHandle(forReadingFrom: errors).readToEnd() ?? Data(), as: UTF8.self)
    for name in protos.keys where succeeded {
      let set = folder.appending(path: "set")
      _ = try Self.protoc(includes + ["--descriptor_set_out=\(set.path)", name], errors)
      descriptors[name] = Self.onlyFile(try Data(contentsOf: set))
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: output.path) {
      files[name] = try String(
        decoding: FileHandle(forReadingFrom: output.appending(path: name)).readToEnd() ?? Data(),
        as: UTF8.self)
    }
  }

  /// Whether it succeeded.
  private static func protoc(_ arguments: [String], _ errors: URL) throws -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["protoc"] + arguments
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// The content of field 1 of a `FileDescriptorSet` with one file: a tag, a varint, the rest.
  private static func onlyFile(_ set: Data) -> Data {
    let length = set.dropFirst().prefix { $0 >= 128 }.count + 1
    return Data(set.dropFirst(1 + length))
  }
}
