import CProtobufC

/// Memory that protobuf-c puts the structs of one message into: handed out in a row, never given
/// back singly.
struct Arena {
  /// Enough for every member of protoc-c's structs.
  static let alignment = 8

  private var next: UnsafeMutableRawPointer?
  private var remaining: Int

  /// - Parameter memory: All that there is; it must outlive the arena.
  init(_ memory: UnsafeMutableRawBufferPointer) {
    next = memory.baseAddress
    remaining = memory.count
  }

  /// Bytes that an allocation takes.
  static func rounded(_ byteCount: Int) -> Int { (byteCount + alignment - 1) & ~(alignment - 1) }

  /// Nil where not as much is left.
  private mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, byteCount <= remaining, let memory = next else { return nil }
    let rounded = Self.rounded(byteCount)
    // The last allocation may end with the memory.
    next = memory + rounded
    remaining -= rounded
    return memory
  }

  /// Runs `body` with the arena as protobuf-c's allocator. The pointer must not escape.
  mutating func withAllocator<Result>(
    _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
  ) -> Result {
    withUnsafeMutablePointer(to: &self) { arena in
      var allocator = ProtobufCAllocator(
        alloc: { arena, byteCount in
          arena?.assumingMemoryBound(to: Arena.self).pointee.allocate(byteCount)
        },
        free: { _, _ in },
        allocator_data: UnsafeMutableRawPointer(arena))
      return body(&allocator)
    }
  }
}
