import CProtobufC

/// Memory for the structs of one message: handed out in a row, never given back singly, freed as
/// a whole.
package struct Arena: ~Copyable {
  /// Chunks start with the address of the chunk before.
  private static let headerSize = 16
  /// Enough for every member of protoc-c's structs.
  static let alignment = 8

  private var next: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  /// The last chunk that was allocated; nil where what the arena started with is enough.
  private var chunk: UnsafeMutableRawPointer?
  private var chunkSize: Int
  /// Bytes that protobuf-c may still take.
  private var remaining: Int

  /// - Parameters:
  ///   - memory: Memory to start with, which must outlive the arena; later chunks double.
  ///   - limit: Bytes that protobuf-c may take from the arena.
  init(startingWith memory: UnsafeMutableRawBufferPointer, limit: Int) {
    let start = memory.baseAddress ?? UnsafeMutableRawPointer(bitPattern: Self.alignment)
    // An empty buffer needs no memory: `next` and `end` are equal, and nothing is read there.
    next = start.unsafelyUnwrapped
    end = next + memory.count
    chunkSize = max(memory.count, 2048)
    remaining = limit
  }

  deinit {
    var last = chunk
    while let current = last {
      last = current.load(as: UnsafeMutableRawPointer?.self)
      current.deallocate()
    }
  }

  package mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let rounded = Self.rounded(byteCount)
    if end - next < rounded { addChunk(for: rounded) }
    defer { next += rounded }
    return next
  }

  /// Bytes that an allocation takes.
  static func rounded(_ byteCount: Int) -> Int { (byteCount + alignment - 1) & ~(alignment - 1) }

  private mutating func addChunk(for byteCount: Int) {
    chunkSize = max(2 * chunkSize, byteCount)
    let added = UnsafeMutableRawPointer.allocate(
      byteCount: chunkSize + Self.headerSize, alignment: 16)
    added.storeBytes(of: chunk, as: UnsafeMutableRawPointer?.self)
    chunk = added
    next = added + Self.headerSize
    end = next + chunkSize
  }

  /// For protobuf-c: nil once the limit is reached.
  private mutating func allocateWithinLimit(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, byteCount <= remaining else { return nil }
    remaining -= Self.rounded(byteCount)
    return allocate(byteCount)
  }

  /// Runs `body` with the arena as protobuf-c's allocator. The pointer must not escape.
  mutating func withAllocator<Result>(
    _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
  ) -> Result {
    withUnsafeMutablePointer(to: &self) { arena in
      var allocator = ProtobufCAllocator(
        alloc: { arena, byteCount in
          arena?.assumingMemoryBound(to: Arena.self).pointee.allocateWithinLimit(byteCount)
        },
        free: { _, _ in },
        allocator_data: UnsafeMutableRawPointer(arena))
      return body(&allocator)
    }
  }

  /// An initialized struct.
  mutating func structure<Value: ProtobufCConvertible>(
    _ type: Value.Type
  ) -> UnsafeMutablePointer<Value.Structure> {
    let structure = allocate(MemoryLayout<Value.Structure>.size)
      .bindMemory(to: Value.Structure.self, capacity: 1)
    Value.initialize(structure)
    return structure
  }
}
