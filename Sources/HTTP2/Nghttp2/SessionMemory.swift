internal import CNghttp2

/// The memory of one nghttp2 session. For each request nghttp2 takes some eight small blocks and
/// frees them with the batch of requests, so many at once that the system's allocator leaves its
/// fast path; here they are kept in lists by size and handed out again.
///
/// Confined to the session's event loop, as nghttp2 is.
final class SessionMemory {
  /// Before each block, which stays aligned by it; holds the block's size in bytes.
  private static let headBytes = 16
  /// Sizes are multiples of this.
  private static let unitBytes = 16
  /// Larger blocks are not kept.
  private static let keptBlockBytesMax = 512
  /// What is kept at most: a hundred streams at a time fit in.
  static let keptBytesMax = 65_536

  /// The first free block by size in units; a free block begins with the address of the next.
  private let lists: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private(set) var keptBytes = 0

  private static let listCount = keptBlockBytesMax / unitBytes + 1

  init() {
    lists = .allocate(capacity: Self.listCount)
    lists.initialize(repeating: nil, count: Self.listCount)
  }

  deinit {
    releaseSpare()
    lists.deallocate()
  }

  /// Gives back what is kept.
  func releaseSpare() {
    guard keptBytes > 0 else { return }
    for index in 0..<Self.listCount {
      while let block = lists[index] {
        lists[index] = block.load(as: UnsafeMutableRawPointer?.self)
        (block - Self.headBytes).deallocate()
      }
    }
    keptBytes = 0
  }

  /// As nghttp2 calls it. This object must outlive the session.
  var callbacks: nghttp2_mem {
    nghttp2_mem(
      mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
      malloc: { count, user in SessionMemory.with(user) { $0.allocate(count) } },
      free: { block, user in SessionMemory.with(user) { $0.free(block) } },
      calloc: { count, size, user in SessionMemory.with(user) { $0.allocateZeroed(count, size) } },
      realloc: { block, count, user in SessionMemory.with(user) { $0.resize(block, count) } })
  }

  @inline(__always)
  private static func with<Result>(
    _ user: UnsafeMutableRawPointer?, _ body: (SessionMemory) -> Result
  ) -> Result {
    // `callbacks` sets it.
    Unmanaged<SessionMemory>.fromOpaque(user.unsafelyUnwrapped)._withUnsafeGuaranteedRef(body)
  }

  func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let units = max(1, (byteCount + Self.unitBytes - 1) / Self.unitBytes)
    if units < Self.listCount, let block = lists[units] {
      lists[units] = block.load(as: UnsafeMutableRawPointer?.self)
      keptBytes -= units * Self.unitBytes
      return block
    }
    let size = units * Self.unitBytes
    let head = UnsafeMutableRawPointer.allocate(
      byteCount: Self.headBytes + size, alignment: Self.unitBytes)
    head.storeBytes(of: size, as: Int.self)
    return head + Self.headBytes
  }

  func allocateZeroed(_ count: Int, _ size: Int) -> UnsafeMutableRawPointer? {
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: size)
    guard !overflow else { return nil }
    let block = allocate(byteCount)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return block
  }

  func free(_ block: UnsafeMutableRawPointer?) {
    guard let block else { return }
    let size = Self.size(of: block)
    guard size <= Self.keptBlockBytesMax, keptBytes + size <= Self.keptBytesMax else {
      return (block - Self.headBytes).deallocate()
    }
    let units = size / Self.unitBytes
    block.storeBytes(of: lists[units], as: UnsafeMutableRawPointer?.self)
    lists[units] = block
    keptBytes += size
  }

  func resize(
    _ block: UnsafeMutableRawPointer?, _ byteCount: Int
  ) -> UnsafeMutableRawPointer {
    guard let block else { return allocate(byteCount) }
    let size = Self.size(of: block)
    guard byteCount > size else { return block }
    let larger = allocate(byteCount)
    larger.copyMemory(from: block, byteCount: size)
    free(block)
    return larger
  }

  private static func size(of block: UnsafeMutableRawPointer) -> Int {
    (block - headBytes).load(as: Int.self)
  }
}
