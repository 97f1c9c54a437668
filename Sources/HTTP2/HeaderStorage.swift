/// The memory behind `HeaderBlock`: one record a field, `[name length][value length][name][value]`,
/// lengths as native UInt32.
///
/// `@unchecked Sendable`: written only while referenced once (by the session that receives the
/// block, or by a `HeaderBlock` after its uniqueness check), read-only from then on.
final class HeaderStorage: @unchecked Sendable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private var used = 0
  private(set) var fieldCount = 0
  private(set) var listBytes = 0
  /// Size of the fields that were left out, counted like `listBytes`.
  private(set) var droppedBytes = 0
  var isTruncated: Bool { droppedBytes > 0 }

  private static let recordHeadBytes = 8
  /// What RFC 9113 §6.5.2 adds to each field.
  private static let fieldOverheadBytes = 32
  private static let initialBytes = 512

  init(capacity: Int = HeaderStorage.initialBytes) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 8)
  }

  deinit {
    base.deallocate()
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: used) }

  /// Whether it has grown so large that it is not worth keeping for another block.
  var isLarge: Bool { capacity > 2 * Self.initialBytes }

  func removeAll() {
    used = 0
    fieldCount = 0
    listBytes = 0
    droppedBytes = 0
  }

  func copy() -> HeaderStorage {
    let copy = HeaderStorage(capacity: max(used, Self.initialBytes))
    copy.base.copyMemory(from: base, byteCount: used)
    copy.used = used
    copy.fieldCount = fieldCount
    copy.listBytes = listBytes
    copy.droppedBytes = droppedBytes
    return copy
  }

  @inline(__always)
  func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    let needed = Self.recordHeadBytes &+ name.count &+ value.count
    if used &+ needed > capacity { grow(to: used &+ needed) }
    let record = base + used
    record.storeBytes(of: UInt32(truncatingIfNeeded: name.count), as: UInt32.self)
    record.storeBytes(of: UInt32(truncatingIfNeeded: value.count), toByteOffset: 4, as: UInt32.self)
    let text = record + Self.recordHeadBytes
    if let start = name.baseAddress { text.copyMemory(from: start, byteCount: name.count) }
    if let start = value.baseAddress {
      (text + name.count).copyMemory(from: start, byteCount: value.count)
    }
    used &+= needed
    fieldCount &+= 1
    listBytes &+= name.count &+ value.count &+ Self.fieldOverheadBytes
  }

  /// Adds a field unless the list grows over the limit; then the block is marked truncated. Answers
  /// whether it was added.
  func append(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, listBytesMax: Int
  ) -> Bool {
    let fieldBytes = name.count &+ value.count &+ Self.fieldOverheadBytes
    guard listBytes &+ fieldBytes <= listBytesMax else {
      droppedBytes += fieldBytes
      return false
    }
    append(name: name, value: value)
    return true
  }

  func forEach(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
    var offset = 0
    while offset < used {
      let record = base + offset
      let nameCount = Int(record.loadUnaligned(as: UInt32.self))
      let valueCount = Int(record.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
      let text = record + Self.recordHeadBytes
      body(
        UnsafeRawBufferPointer(start: text, count: nameCount),
        UnsafeRawBufferPointer(start: text + nameCount, count: valueCount))
      offset += Self.recordHeadBytes + nameCount + valueCount
    }
  }

  private func grow(to minimum: Int) {
    let newCapacity = max(minimum, capacity * 2)
    let newBase = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 8)
    newBase.copyMemory(from: base, byteCount: used)
    base.deallocate()
    base = newBase
    capacity = newCapacity
  }
}
