/// Bytes waiting to be sent on one stream: appended at the back, taken from the front. The memory
/// is kept when the queue runs empty, so a reused stream costs no allocation.
struct ByteQueue: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private var head = 0
  private var tail = 0

  private static let minimumBytes = 256
  /// A reused stream gives back more than this.
  private static let keptBytesMax = 2048

  init() {}

  deinit {
    base?.deallocate()
  }

  var count: Int { tail - head }
  var isEmpty: Bool { tail == head }

  /// Adds `byteCount` uninitialised bytes for the caller to fill at once. The buffer is valid until
  /// the next call on this queue.
  mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
    if tail + byteCount > capacity { makeRoom(for: byteCount) }
    guard let base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    let free = UnsafeMutableRawBufferPointer(start: base + tail, count: byteCount)
    tail += byteCount
    return free
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    reserve(bytes.count).copyMemory(from: bytes)
  }

  /// Moves up to `limit` bytes from the front to `destination`; answers how many.
  mutating func take(_ limit: Int, into destination: UnsafeMutableRawPointer) -> Int {
    let taken = min(limit, count)
    guard taken > 0, let base else { return 0 }
    destination.copyMemory(from: base + head, byteCount: taken)
    head += taken
    if head == tail {
      head = 0
      tail = 0
    }
    return taken
  }

  mutating func removeAll() {
    head = 0
    tail = 0
    guard capacity > Self.keptBytesMax else { return }
    base?.deallocate()
    base = nil
    capacity = 0
  }

  private mutating func makeRoom(for byteCount: Int) {
    let needed = count + byteCount
    // Sliding down is only worth it when at least half the memory is free.
    if needed * 2 <= capacity, let base {
      base.copyMemory(from: base + head, byteCount: count)
    } else {
      let newCapacity = Self.capacity(for: needed, after: capacity)
      let newBase = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 8)
      if let base {
        newBase.copyMemory(from: base + head, byteCount: count)
        base.deallocate()
      }
      base = newBase
      capacity = newCapacity
    }
    tail = count
    head = 0
  }

  /// Small queues double; larger ones grow by a quarter: a thousand streams whose readers stop
  /// shall not hold twice what waits in them.
  private static func capacity(for needed: Int, after capacity: Int) -> Int {
    if needed <= keptBytesMax { return max(minimumBytes, max(needed, capacity * 2)) }
    let unit = 1024
    return max((needed + unit - 1) / unit * unit, capacity + capacity / 4)
  }
}
