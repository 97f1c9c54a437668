/// The text of a Swift file, as far as the rules look at it.
struct SwiftSource {
  /// The text without its comments; strings stay.
  let code: String

  init(_ text: String) { code = Self.withoutComments(text) }

  /// The names of the imported modules, in order.
  var imports: [String] { code.split(separator: "\n").compactMap(Self.importedModule) }

  /// The module of an import line such as `@testable public import struct Module.Type`.
  private static func importedModule(_ line: Substring) -> String? {
    var words = line.split { $0 == " " || $0 == "\t" || $0 == ";" }[...]
    while let word = words.first, word.hasPrefix("@") || accessLevels.contains(word) {
      words.removeFirst()
    }
    guard words.popFirst() == "import", var name = words.popFirst() else { return nil }
    if declarationKinds.contains(name), let next = words.popFirst() { name = next }
    return name.split(separator: ".").first.map(String.init)
  }

  private static let accessLevels: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let declarationKinds: Set<Substring> = [
    "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
  ]

  /// Every identifier of the code.
  var identifiers: Set<Substring> {
    Set(code.split { !($0.isLetter || $0.isNumber || $0 == "_") })
  }

  private static func withoutComments(_ text: String) -> String {
    var scanner = CommentScanner(bytes: Array(text.utf8))
    return scanner.run()
  }
}

/// Copies everything but comments, which leave a space or their line ends.
private struct CommentScanner {
  let bytes: [UInt8]
  var position = 0
  var output: [UInt8] = []

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func run() -> String {
    while position < bytes.count {
      if starts(with: "//") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      } else if starts(with: "/*") {
        skipBlockComment()
      } else if starts(with: "\"") || starts(with: "#\"") {
        copyString()
      } else {
        copy(1)
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  private func starts(with text: StaticString) -> Bool {
    text.withUTF8Buffer { bytes[position...].starts(with: $0) }
  }

  private mutating func copy(_ count: Int) {
    let end = min(position + count, bytes.count)
    output += bytes[position..<end]
    position = end
  }

  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        position += 2
      } else if starts(with: "*/") {
        depth -= 1
        position += 2
      } else {
        if bytes[position] == UInt8(ascii: "\n") { output.append(bytes[position]) }
        position += 1
      }
    } while depth > 0 && position < bytes.count
    output.append(UInt8(ascii: " "))
  }

  private mutating func copyString() {
    let start = position
    while position < bytes.count, bytes[position] == UInt8(ascii: "#") { position += 1 }
    let hashes = Array(repeating: UInt8(ascii: "#"), count: position - start)
    let quotes = Array("\"\"\"".utf8)
    let delimiter = bytes[position...].starts(with: quotes) ? quotes : [UInt8(ascii: "\"")]
    position = start
    copy(hashes.count + delimiter.count)
    let end = delimiter + hashes
    while position < bytes.count, !bytes[position...].starts(with: end) {
      copy(hashes.isEmpty && bytes[position] == UInt8(ascii: "\\") ? 2 : 1)
    }
    copy(end.count)
  }
}
