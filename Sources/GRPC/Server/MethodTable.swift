internal import HTTP2

/// The methods of a server by the bytes of their path: open addressing, so that a call's method is
/// found without making a String. Built once, read-only.
struct MethodTable: Sendable {
  /// A class, so that a call holds on to its method by one reference.
  final class Entry: Sendable {
    let handler: MethodHandler
    /// Where it stands among the server's methods.
    let index: Int
    let requestBytesMax: Int

    init(handler: MethodHandler, index: Int, requestBytesMax: Int) {
      self.handler = handler
      self.index = index
      self.requestBytesMax = requestBytesMax
    }
  }

  private var slots: [Entry?]
  private let mask: Int

  /// At most half the slots are used; of two methods of one path, the first one wins.
  init(_ handlers: [MethodHandler], _ configuration: ServerConfiguration) {
    let methods = handlers.enumerated().map { index, handler in
      let limit = configuration.requestBytesMaxByMethod[handler.descriptor]
      return Entry(
        handler: handler, index: index, requestBytesMax: limit ?? configuration.requestBytesMax)
    }
    var size = 8
    while size < methods.count * 2 { size *= 2 }
    slots = Array(repeating: nil, count: size)
    mask = size - 1
    for method in methods {
      var index = method.handler.path.withUnsafeBytes { Self.hash($0) } & mask
      while let other = slots[index], other.handler.path != method.handler.path {
        index = (index + 1) & mask
      }
      if slots[index] == nil { slots[index] = method }
    }
  }

  subscript(path: UnsafeRawBufferPointer) -> Entry? {
    var index = Self.hash(path) & mask
    while let method = slots[index] {
      if method.handler.path.withUnsafeBytes({ path.isEqual(to: $0) }) {
        return method
      }
      index = (index + 1) & mask
    }
    return nil
  }

  /// As FNV-1a (datatracker.ietf.org/doc/draft-eastlake-fnv), but by words of eight bytes, the last
  /// of which may overlap the one before. The paths are the server's own, so nobody can choose ones
  /// that collide.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hash = 0xcbf2_9ce4_8422_2325 ^ UInt64(bytes.count)
    if bytes.count < 8 {
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    } else {
      for offset in stride(from: 0, to: bytes.count, by: 8) {
        let start = min(offset, bytes.count - 8)
        let word = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
        hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
        hash ^= hash >> 32
      }
    }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
