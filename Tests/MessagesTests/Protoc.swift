import Foundation
import Testing

@testable import Messages

/// Google's own compiler as the reference for the wire format.
struct Protoc {
  /// Folders with proto files, and the file that defines the messages.
  let includes: [String]
  let file: String

  private static let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let kinds = Protoc(
    includes: [repository.appending(path: "codegen/kinds").path], file: "kinds.proto")
  static let plan = Protoc(
    includes: [repository.appending(path: "proto").path], file: "baton/v1/plan.proto")
  static let status = Protoc(
    includes: [repository.appending(path: "proto").path], file: "google/rpc/status.proto")

  /// Text format -> bytes.
  func encode(_ text: String, as type: any Message.Type) throws -> [UInt8] {
    try run("--deterministic_output", "--encode=\(type.protoName)", input: Array(text.utf8))
  }

  /// Bytes -> text format; nil where protoc refuses them.
  func decode(_ bytes: [UInt8], as type: any Message.Type) -> String? {
    let output = try? run("--decode=\(type.protoName)", input: bytes)
    return output.map { String(decoding: $0, as: UTF8.self) }
  }

  struct Failure: Error {
    var status: Int32
    var message: String
  }

  private func run(_ arguments: String..., input: [UInt8]) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appending(path: $0) }
    try Data(input).write(to: files[0])
    try Data().write(to: files[1])
    try Data().write(to: files[2])
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let paths = (includes + ["/usr/include"]).flatMap { ["-I", $0] }
    process.arguments = ["protoc"] + paths + arguments + [file]
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let message = try String(
        decoding: FileHandle(forReadingFrom: files[2]).readToEnd() ?? Data(), as: UTF8.self)
      throw Failure(status: process.terminationStatus, message: message)
    }
    return try [UInt8](FileHandle(forReadingFrom: files[1]).readToEnd() ?? Data())
  }
}

/// Expects the same bytes from us and from protoc, and the same value back from either.
func expectSameAsProtoc<Value: Message>(
  _ value: Value, _ text: String, _ protoc: Protoc,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let theirs = try protoc.encode(text, as: Value.self)
  let ours = value.serializedBytes()
  #expect(ours == theirs, sourceLocation: sourceLocation)
  #expect(try Value(serializedBytes: theirs) == value, sourceLocation: sourceLocation)
  #expect(
    protoc.decode(ours, as: Value.self) == protoc.decode(theirs, as: Value.self),
    sourceLocation: sourceLocation)
}
