internal import HTTP2

/// Key-value pairs beside a call's messages, ordered; a key may occur more than once.
///
/// Keys are lower case: letters, digits and "_", "-", "."; values of keys that end in "-bin" are
/// bytes, all others printable ASCII. Keys that begin with "grpc-" belong to the protocol
/// (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md, "Custom-Metadata").
public struct Metadata: Sendable, Hashable {
  /// Named `Content`, not `Value`: that is what a dictionary literal's own type is called.
  public enum Content: Sendable, Hashable {
    case string(String)
    case binary([UInt8])
  }

  public struct Entry: Sendable, Hashable {
    public let key: String
    public let value: Content
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  public var isEmpty: Bool { entries.isEmpty }

  /// Adds a text value; the key is lowercased.
  public mutating func add(_ key: String, _ value: String) {
    entries.append(Entry(key: key.lowercased(), value: .string(value)))
  }

  /// Adds a binary value; the key is lowercased and must end in "-bin".
  public mutating func add(_ key: String, binary value: [UInt8]) {
    entries.append(Entry(key: key.lowercased(), value: .binary(value)))
  }

  public mutating func add(contentsOf other: Metadata) {
    entries += other.entries
  }

  /// The values of a key in order.
  public subscript(key: String) -> [Content] {
    let key = key.lowercased()
    return entries.filter { $0.key == key }.map(\.value)
  }

  /// The first text value of a key.
  public func string(_ key: String) -> String? {
    for case .string(let text) in self[key] { return text }
    return nil
  }

  /// The first binary value of a key.
  public func binary(_ key: String) -> [UInt8]? {
    for case .binary(let bytes) in self[key] { return bytes }
    return nil
  }
}

extension Metadata: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, String)...) {
    for (key, value) in elements { add(key, value) }
  }
}

extension Metadata {
  /// The custom metadata among received header fields.
  init(_ headers: HeaderBlock) {
    headers.forEach { name, value in
      guard !Self.isReserved(name) else { return }
      let key = String(decoding: name, as: UTF8.self)
      guard key.hasSuffix("-bin") else {
        return entries.append(
          Entry(key: key, value: .string(String(decoding: value, as: UTF8.self))))
      }
      // Several binary values may come as one field, joined by commas.
      for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
        let bytes = Base64.decode(UnsafeRawBufferPointer(rebasing: part))
        let raw = Content.string(String(decoding: part, as: UTF8.self))
        entries.append(Entry(key: key, value: bytes.map { .binary($0) } ?? raw))
      }
    }
  }

  /// Fields that belong to HTTP/2 or gRPC.
  private static func isReserved(_ name: UnsafeRawBufferPointer) -> Bool {
    guard let first = name.first else { return true }
    switch first {
    case UInt8(ascii: ":"): return true
    case UInt8(ascii: "g"): return name.starts(with: "grpc-".utf8)
    case UInt8(ascii: "t"): return name.elementsEqual("te".utf8)
    case UInt8(ascii: "c"): return name.elementsEqual("content-type".utf8)
    default: return false
    }
  }

  /// Appends the entries as header fields; an entry that must not be sent is an error naming it.
  func append(to headers: inout HeaderBlock) throws(RPCError) {
    for entry in entries {
      let isBinaryKey = entry.key.hasSuffix("-bin")
      guard Self.isValid(key: entry.key) else { throw Self.invalid(entry, "its key") }
      switch entry.value {
      case .string(let text):
        guard !isBinaryKey, text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
          throw Self.invalid(entry, "its text value")
        }
        headers.append(entry.key, text)
      case .binary(let bytes):
        guard isBinaryKey else { throw Self.invalid(entry, "a binary value without -bin") }
        headers.append(entry.key, Base64.encode(bytes))
      }
    }
  }

  private static func isValid(key: String) -> Bool {
    guard !key.isEmpty, !key.hasPrefix("grpc-"), key != "te", key != "content-type" else {
      return false
    }
    return key.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }

  private static func invalid(_ entry: Entry, _ what: String) -> RPCError {
    RPCError(
      code: .internalError, reason: "INVALID_METADATA",
      message: "metadata \"\(entry.key)\" cannot be sent: \(what) is not valid")
  }
}
