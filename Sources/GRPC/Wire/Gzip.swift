internal import NIOConcurrencyHelpers
internal import NIOCore

/// gzip for single messages. What zlib needs for it is large and made ready slowly, so a few are
/// kept for the whole process; each is used by one thread at a time.
enum Gzip {
  private static let inflaters = Pool<Inflater>(make: Inflater.init)
  private static let deflaters = Pool<Deflater>(make: Deflater.init)

  /// Decompresses a message of at most `bytesMax` bytes; memory for more is never taken.
  static func decompress(
    _ message: ByteBuffer, bytesMax: Int
  ) throws(FramingError) -> ByteBuffer {
    guard let inflater = inflaters.take() else { throw .corrupt }
    defer { inflaters.giveBack(inflater) }
    let result = message.withUnsafeReadableBytes { bytes in
      Result { () throws(Inflater.Failure) in try inflater.inflate(bytes, limit: bytesMax) }
    }
    switch result {
    case .success(let output): return output
    case .failure(.tooLarge): throw .inflatesTooLarge(limit: bytesMax)
    case .failure(.corrupt): throw .corrupt
    }
  }

  /// Nil where it cannot be done: the message goes as it is then.
  static func compress(_ message: UnsafeRawBufferPointer) -> ByteBuffer? {
    guard let deflater = deflaters.take() else { return nil }
    defer { deflaters.giveBack(deflater) }
    return deflater.deflate(message)
  }

  private struct Pool<Element: Sendable>: Sendable {
    private let idle = NIOLockedValueBox<[Element]>([])
    private let make: @Sendable () -> Element?

    /// As many as there are threads that may compress at a time, within reason.
    private static var idleMax: Int { 8 }

    init(make: @escaping @Sendable () -> Element?) {
      self.make = make
    }

    func take() -> Element? {
      idle.withLockedValue { $0.popLast() } ?? make()
    }

    func giveBack(_ element: Element) {
      idle.withLockedValue { if $0.count < Self.idleMax { $0.append(element) } }
    }
  }
}
