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
      if method.handler.path.count == path.count, method.handler.path.elementsEqual(path) {
        return method
      }
      index = (index + 1) & mask
    }
    return nil
  }

  /// FNV-1a (datatracker.ietf.org/doc/draft-eastlake-fnv).
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
