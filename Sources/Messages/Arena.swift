package import CProtobufC

/// Memory for the structs of one message: handed out in a row, never given back singly, freed as
/// a whole. Not for use from two threads.
package final class Arena {
  /// Chunks start with the address of the chunk before.
  private static let headerSize = 16
  /// Enough for every member of protoc-c's structs.
  private static let alignment = 8

  private var next: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  private var chunk: UnsafeMutableRawPointer
  private var chunkSize: Int
  /// Bytes that `allocateWithinLimit` may still hand out.
  private var remaining: Int
  /// Whether `allocateWithinLimit` had to refuse.
  private(set) var isExhausted = false

  /// - Parameters:
  ///   - firstChunk: Bytes to start with; later chunks double.
  ///   - limit: Bytes that protobuf-c may take from the arena.
  package init(firstChunk: Int, limit: Int) {
    chunkSize = firstChunk
    remaining = limit
    chunk = .allocate(byteCount: firstChunk + Self.headerSize, alignment: 16)
    chunk.storeBytes(of: nil, as: UnsafeMutableRawPointer?.self)
    next = chunk + Self.headerSize
    end = next + firstChunk
  }

  deinit {
    var last: UnsafeMutableRawPointer? = chunk
    while let current = last {
      last = current.load(as: UnsafeMutableRawPointer?.self)
      current.deallocate()
    }
  }

  package func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let rounded = (byteCount + Self.alignment - 1) & ~(Self.alignment - 1)
    if end - next < rounded { addChunk(for: rounded) }
    defer { next += rounded }
    return next
  }

  private func addChunk(for byteCount: Int) {
    chunkSize = max(2 * chunkSize, byteCount)
    let added = UnsafeMutableRawPointer.allocate(
      byteCount: chunkSize + Self.headerSize, alignment: 16)
    added.storeBytes(of: chunk, as: UnsafeMutableRawPointer?.self)
    chunk = added
    next = added + Self.headerSize
    end = next + chunkSize
  }

  /// For protobuf-c: nil once the limit is reached.
  private func allocateWithinLimit(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, byteCount <= remaining else {
      isExhausted = true
      return nil
    }
    remaining -= byteCount
    return allocate(byteCount)
  }

  /// Runs `body` with the arena as protobuf-c's allocator. The pointer must not escape.
  package func withAllocator<Result>(
    _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
  ) -> Result {
    var allocator = ProtobufCAllocator(
      alloc: { arena, byteCount in
        guard let arena else { return nil }
        return Unmanaged<Arena>.fromOpaque(arena)._withUnsafeGuaranteedRef {
          $0.allocateWithinLimit(byteCount)
        }
      },
      free: { _, _ in },
      allocator_data: Unmanaged.passUnretained(self).toOpaque())
    return withExtendedLifetime(self) { body(&allocator) }
  }

  /// An initialized struct.
  package func structure<Value: ProtobufCConvertible>(
    _ type: Value.Type
  ) -> UnsafeMutablePointer<Value.Structure> {
    let structure = allocate(MemoryLayout<Value.Structure>.size)
      .bindMemory(to: Value.Structure.self, capacity: 1)
    Value.initialize(structure)
    return structure
  }
}
