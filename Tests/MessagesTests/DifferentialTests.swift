import Foundation
import Testing

@testable import Messages

/// Baton accepts and refuses what Google's protobuf for Python does, reads the same values and writes
/// the same bytes, on seeded random changes of messages with every kind of field.
@Suite struct DifferentialTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static let samples: [any Message] =
    [
      Samples.kinds, Samples.lists, Samples.maps, Samples.words, Samples.jumbled,
      BatonKindsV1.Empty(),
    ]
    + Samples.choices.map {
      Samples.Choice(before: "b", value: $0.0, presence: .maybe(1), after: "a")
    }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func sameAsPython(seed: UInt64) throws {
    var mutator = WireMutator(seed: seed)
    var cases = ""
    for round in 0..<4_000 {
      let sample = Self.samples[round % Self.samples.count]
      let bytes = mutator.mutated(sample.serializedBytes())
      cases += "\(type(of: sample).protoName) \(hex(bytes)) \(verdict(type(of: sample), bytes))\n"
    }
    let lines = try compare(cases)
    #expect(lines.dropLast() == [], "seed \(seed)")
    let counts = try #require(lines.last).split(separator: " ")
    // Both kinds are there in numbers.
    #expect(try #require(Int(counts[1])) > 500)
    #expect(try #require(Int(counts[3])) > 500)
  }

  private func verdict(_ type: any Message.Type, _ bytes: [UInt8]) -> String {
    do throws(MessageDecodingError) {
      return hex(try type.init(serializedBytes: bytes).serializedBytes())
    } catch {
      return "!\(error.code.rawValue)"
    }
  }

  private func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The lines that the script prints.
  private func compare(_ cases: String) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (descriptors, input) = (folder.appending(path: "set"), folder.appending(path: "cases"))
    try Data(cases.utf8).write(to: input)
    _ = try run(
      URL(filePath: "/usr/bin/env"),
      [
        "protoc", "-I", Self.root.appending(path: "codegen/kinds").path(),
        "--descriptor_set_out=\(descriptors.path())", "kinds.proto",
      ])
    let python =
      ProcessInfo.processInfo.environment["BATON_TEST_PYTHON"].map { URL(filePath: $0) }
      ?? Self.root.appending(path: ".venv-langchain/bin/python")
    let script = Self.root.appending(path: "Tests/python/protobuf_peer/differential.py")
    let output = try run(python, [script.path(), descriptors.path(), input.path()])
    return output.split(separator: "\n").map(String.init)
  }

  private func run(_ program: URL, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: data, as: UTF8.self)
  }
}

/// Changes bytes in the ways in which messages on the wire go wrong, or are right in rare ways.
struct WireMutator {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(state: seed) }

  mutating func mutated(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...Int.random(in: 0..<3, using: &random) {
      switch Int.random(in: 0..<8, using: &random) {
      case 0 where !bytes.isEmpty:
        bytes[Int.random(in: bytes.indices, using: &random)] = byte()
      case 1: bytes.removeLast(Int.random(in: 0...min(4, bytes.count), using: &random))
      // The message once more: parts, repetitions, other members of oneofs.
      case 2 where bytes.count < 4_096: bytes += bytes
      case 3: bytes = field(depth: 0) + bytes
      case 4, 5: bytes += field(depth: 0)
      case 6:
        let place = Int.random(in: 0...bytes.count, using: &random)
        bytes.insert(contentsOf: field(depth: 2), at: place)
      default: bytes = (0..<Int.random(in: 0..<6, using: &random)).flatMap { _ in field(depth: 0) }
      }
    }
    return bytes
  }

  private mutating func byte() -> UInt8 { .random(in: 0...255, using: &random) }

  /// A field of any number, kind and content, mostly well-formed.
  private mutating func field(depth: Int) -> [UInt8] {
    let fieldNumber = UInt32.random(in: 1...19, using: &random)
    let wireType = UInt32([0, 0, 1, 2, 2, 2, 2, 5, 3, 4].randomElement(using: &random) ?? 0)
    let tag = varint(UInt64(fieldNumber << 3 | wireType))
    switch wireType {
    case 0: return tag + number()
    case 1: return tag + (0..<8).map { _ in byte() }
    case 5: return tag + (0..<4).map { _ in byte() }
    case 3:
      let inner = depth < 3 ? field(depth: depth + 1) : []
      return tag + inner + varint(UInt64(fieldNumber << 3 | 4))
    case 4: return Bool.random(using: &random) ? [] : tag
    default:
      let content = content(depth: depth)
      return tag + varint(UInt64(content.count)) + content
    }
  }

  private mutating func content(depth: Int) -> [UInt8] {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return []
    case 1: return Array("grün 東京 \u{1F682}".utf8.prefix(Int.random(in: 1...16, using: &random)))
    case 2: return (0..<Int.random(in: 1..<20, using: &random)).map { _ in byte() }
    case 3: return (0..<Int.random(in: 1..<4, using: &random)).flatMap { _ in number() }
    default:
      guard depth < 3 else { return [65] }
      return (0..<Int.random(in: 1..<4, using: &random)).flatMap { _ in field(depth: depth + 1) }
    }
  }

  /// A varint of any size, sometimes longer than it need be.
  private mutating func number() -> [UInt8] {
    let value =
      UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
    var bytes = varint(value)
    guard Int.random(in: 0..<4, using: &random) == 0 else { return bytes }
    bytes[bytes.count - 1] |= 0x80
    bytes += [UInt8](repeating: 0x80, count: Int.random(in: 0..<4, using: &random)) + [0]
    return bytes
  }
}
