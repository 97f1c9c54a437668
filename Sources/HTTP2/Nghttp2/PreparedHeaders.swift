internal import CNghttp2

/// Constant header fields, laid out once so that sending them copies nothing. For constants of the
/// program only: names and values are static, and the list itself is never freed.
///
/// `@unchecked Sendable`: written in `init`, read-only from then on.
public struct PreparedHeaders: @unchecked Sendable {
  let fields: UnsafeMutableBufferPointer<nghttp2_nv>

  /// `names` must be lower case.
  public init(_ pairs: KeyValuePairs<StaticString, StaticString>) {
    fields = .allocate(capacity: pairs.count)
    // The strings outlive every frame that refers to them, so nghttp2 need not copy.
    let flags = UInt8(
      NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
    for (index, pair) in pairs.enumerated() {
      fields.initializeElement(
        at: index, to: nghttp2_nv(name: pair.key.rawBytes, value: pair.value.rawBytes, flags: flags)
      )
    }
  }
}

extension nghttp2_nv {
  /// nghttp2 declares the pointers mutable and never writes through them.
  init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, flags: UInt8) {
    self.init(
      name: UnsafeMutablePointer(mutating: name.assumingMemoryBound(to: UInt8.self).baseAddress),
      value: UnsafeMutablePointer(mutating: value.assumingMemoryBound(to: UInt8.self).baseAddress),
      namelen: name.count,
      valuelen: value.count,
      flags: flags)
  }
}
