/// Writes a message backwards, from its last field to its first: where a nested message begins, its
/// length is known, and nothing is walked twice (protobuf.dev, "Encoding"). The bytes are those that
/// protobuf-c 1.4.1 would pack: fields in the order of their numbers, those with their default left
/// out, in the entries of maps too.
package struct WireWriter: ~Copyable {
  /// The most that a tag and a number or a length take.
  private static let fieldRoom = 5 + 10

  /// What is written lies from here to the end.
  private var at: UnsafeMutableRawPointer
  private var start: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  /// Whether the memory is the writer's own.
  private var isAllocated = false

  /// - Parameter memory: Memory to start with, which must outlive the writer.
  init(startingWith memory: UnsafeMutableRawBufferPointer) {
    let address = memory.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 1)
    // An empty buffer needs no memory: nothing is written to it.
    start = address.unsafelyUnwrapped
    end = start + memory.count
    at = end
  }

  deinit {
    if isAllocated { start.deallocate() }
  }

  /// Bytes that are written.
  private var count: Int { end - at }

  /// Runs `body` with what is written.
  borrowing func withWritten<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: at, count: count))
  }

  // MARK: Single

  /// - Parameter always: Writes the default too.
  @inline(__always)
  package mutating func number(_ number: UInt32, _ value: WireNumber, always: Bool = false) {
    if always || !value.isDefault { field(number, value) }
  }

  @inline(__always)
  package mutating func text(_ number: UInt32, _ value: String, always: Bool = false) {
    if always || !value.isEmpty { field(number, value) }
  }

  @inline(__always)
  package mutating func bytes(_ number: UInt32, _ value: [UInt8], always: Bool = false) {
    if always || !value.isEmpty { value.withUnsafeBytes { field(number, $0) } }
  }

  package mutating func message<Value: ProtobufCConvertible>(_ number: UInt32, _ value: Value?) {
    guard let value else { return }
    let inner = count
    value.write(to: &self)
    endMessage(number, inner)
  }

  // MARK: Repeated

  package mutating func texts(_ number: UInt32, _ values: [String]) {
    list(values) { $0.field(number, $1) }
  }

  package mutating func byteStrings(_ number: UInt32, _ values: [[UInt8]]) {
    list(values) { $0.bytes(number, $1, always: true) }
  }

  package mutating func messages<Value: ProtobufCConvertible>(
    _ number: UInt32, _ values: [Value]
  ) {
    list(values) { $0.message(number, $1) }
  }

  /// Numbers in a field each.
  @inline(__always)
  package mutating func unpacked<Value>(
    _ number: UInt32, _ values: [Value], _ encode: (Value) -> WireNumber
  ) {
    list(values) { $0.field(number, encode($1)) }
  }

  /// Numbers in a row, in one field.
  @inline(__always)
  package mutating func packed<Value>(
    _ number: UInt32, _ values: [Value], _ encode: (Value) -> WireNumber
  ) {
    guard !values.isEmpty else { return }
    let inner = count
    list(values) { $0.element(encode($1)) }
    endMessage(number, inner)
  }

  /// A map is a list of entries, in the order of the keys.
  @inline(__always)
  package mutating func map<Key: MapKey, Value>(
    _ number: UInt32, _ values: [Key: Value], _ write: (inout WireWriter, Key, Value) -> Void
  ) {
    guard values.count > 1 else {
      for (key, value) in values { entry(number, key, value, write) }
      return
    }
    for (key, value) in values.sorted(by: { $1.key.isBefore($0.key) }) {
      entry(number, key, value, write)
    }
  }

  @inline(__always)
  private mutating func entry<Key, Value>(
    _ number: UInt32, _ key: Key, _ value: Value, _ write: (inout WireWriter, Key, Value) -> Void
  ) {
    let inner = count
    write(&self, key, value)
    endMessage(number, inner)
  }

  @inline(__always)
  private mutating func list<Value>(
    _ values: [Value], _ write: (inout WireWriter, Value) -> Void
  ) {
    // By the buffer, which lends the elements; the array would hand out copies.
    values.withUnsafeBufferPointer { values in
      for index in values.indices.reversed() { write(&self, values[index]) }
    }
  }

  // MARK: Fields

  private mutating func field(_ number: UInt32, _ value: WireNumber) {
    element(value)
    varint(UInt64(number << 3 | value.wireType))
  }

  private mutating func field(_ number: UInt32, _ value: String) {
    let isWritten: Void? = value.utf8.withContiguousStorageIfAvailable {
      field(number, UnsafeRawBufferPointer($0))
    }
    guard isWritten == nil else { return }
    var value = value
    value.withUTF8 { field(number, UnsafeRawBufferPointer($0)) }
  }

  private mutating func field(_ number: UInt32, _ bytes: UnsafeRawBufferPointer) {
    makeRoom(bytes.count + Self.fieldRoom)
    at -= bytes.count
    if let source = bytes.baseAddress { at.copyMemory(from: source, byteCount: bytes.count) }
    varint(UInt64(bytes.count))
    varint(UInt64(number << 3 | 2))
  }

  /// Length and tag of what was written since `count` was `inner`.
  private mutating func endMessage(_ number: UInt32, _ inner: Int) {
    makeRoom(Self.fieldRoom)
    varint(UInt64(count - inner))
    varint(UInt64(number << 3 | 2))
  }

  /// A number without its tag, for which there is room afterwards.
  private mutating func element(_ value: WireNumber) {
    makeRoom(Self.fieldRoom)
    switch value.form {
    case .varint: varint(value.bits)
    case .fixed32:
      at -= 4
      at.storeBytes(of: UInt32(truncatingIfNeeded: value.bits).littleEndian, as: UInt32.self)
    case .fixed64:
      at -= 8
      at.storeBytes(of: value.bits.littleEndian, as: UInt64.self)
    }
  }

  /// Seven bits to a byte; there is room.
  @inline(__always)
  private mutating func varint(_ value: UInt64) {
    guard value >= 0x80 else {
      at -= 1
      at.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
      return
    }
    longVarint(value)
  }

  private mutating func longVarint(_ value: UInt64) {
    let byteCount = (70 - value.leadingZeroBitCount) / 7
    at -= byteCount
    var rest = value
    for offset in 0..<byteCount - 1 {
      at.storeBytes(
        of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: offset, as: UInt8.self)
      rest >>= 7
    }
    at.storeBytes(
      of: UInt8(truncatingIfNeeded: rest), toByteOffset: byteCount - 1, as: UInt8.self)
  }

  // MARK: Memory

  @inline(__always)
  private mutating func makeRoom(_ byteCount: Int) {
    if at - start < byteCount { grow(byteCount) }
  }

  /// Twice what is needed, so that what is written is seldom moved; at least what most messages take.
  @inline(never)
  private mutating func grow(_ byteCount: Int) {
    let size = max(2 * (count + byteCount), 16 << 10)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1)
    let moved = memory + (size - count)
    moved.copyMemory(from: at, byteCount: count)
    if isAllocated { start.deallocate() }
    isAllocated = true
    (start, end, at) = (memory, memory + size, moved)
  }
}
