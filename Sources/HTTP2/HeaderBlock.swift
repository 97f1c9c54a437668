/// Header fields in order, as bytes in one allocation. Names are lower case (RFC 9113 §8.2.1).
///
/// Fields are matched as bytes on the hot path; `String`s are made only where somebody asks.
public struct HeaderBlock: Sendable {
  var storage: HeaderStorage

  public init() {
    storage = HeaderStorage()
  }

  init(storage: HeaderStorage) {
    self.storage = storage
  }

  /// Number of fields.
  public var count: Int { storage.fieldCount }

  /// Size as SETTINGS_MAX_HEADER_LIST_SIZE counts it: name + value + 32 a field (RFC 9113 §6.5.2).
  public var listBytes: Int { storage.listBytes }

  /// Whether fields were left out because the block grew over the session's limit.
  public var isTruncated: Bool { storage.isTruncated }

  /// Adds a field. `name` must be lower case.
  public mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    makeUnique()
    storage.append(name: name, value: value)
  }

  /// Adds a field. `name` must be lower case.
  public mutating func append(_ name: StaticString, _ value: StaticString) {
    append(name: name.rawBytes, value: value.rawBytes)
  }

  /// Adds a field. `name` must be lower case.
  public mutating func append(_ name: StaticString, _ value: String) {
    var value = value
    value.withUTF8 { append(name: name.rawBytes, value: UnsafeRawBufferPointer($0)) }
  }

  /// Adds a field. `name` must be lower case.
  public mutating func append(_ name: String, _ value: String) {
    var name = name
    var value = value
    name.withUTF8 { name in
      value.withUTF8 { value in
        append(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value))
      }
    }
  }

  /// Calls `body` with every field in order. The bytes are valid during the call only.
  public func forEach(
    _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    storage.forEach(body)
  }

  /// The value of the first field of that name.
  public subscript(name: String) -> String? {
    var found: String?
    forEach { field, value in
      if found == nil, field.elementsEqual(name.utf8) {
        found = String(decoding: value, as: UTF8.self)
      }
    }
    return found
  }

  private mutating func makeUnique() {
    if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
  }
}

extension HeaderBlock: CustomStringConvertible {
  public var description: String {
    var lines: [String] = []
    forEach {
      lines.append("\(String(decoding: $0, as: UTF8.self)): \(String(decoding: $1, as: UTF8.self))")
    }
    return lines.joined(separator: "\n")
  }
}

extension HeaderBlock: Equatable {
  public static func == (left: HeaderBlock, right: HeaderBlock) -> Bool {
    left.storage === right.storage || left.storage.bytes.elementsEqual(right.storage.bytes)
  }
}

extension StaticString {
  /// The UTF-8 bytes, alive for the life of the process.
  public var rawBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}
