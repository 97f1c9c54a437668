import Messages
import NIOCore

@testable import GRPC

extension FuzzTarget {
  /// Compressed messages: never more than the limit comes out, the limit changes nothing else, and
  /// what was compressed comes back.
  static let gzip = FuzzTarget(name: "gzip", seeds: GzipSeeds.make, run: fuzzGzip)
}

@Sendable func fuzzGzip(_ bytes: UnsafeRawBufferPointer) throws {
  var input = FuzzInput(bytes)
  let options = input.byte()
  let limit = Int(input.byte()) << (options >> 4)
  guard options & 1 != 0 else {
    return try inflate(ByteBuffer(bytes: input.rest), limit)
  }
  // Made here, with one byte changed: the checksum lets little else through.
  let place = Int(input.byte())
  let change = input.byte()
  guard var packed = Gzip.compress(input.rest) else {
    throw Finding(description: "\(input.rest.count) bytes cannot be compressed")
  }
  try require(
    decompress(packed, input.rest.count) == .success(ByteBuffer(bytes: input.rest)),
    "what was compressed does not come back")
  let index = packed.readerIndex + place % packed.readableBytes
  if let byte: UInt8 = packed.getInteger(at: index) { packed.setInteger(byte ^ change, at: index) }
  try inflate(packed, limit)
}

private func decompress(_ packed: ByteBuffer, _ limit: Int) -> Result<ByteBuffer, FramingError> {
  Result { () throws(FramingError) in try Gzip.decompress(packed, bytesMax: limit) }
}

private func inflate(_ packed: ByteBuffer, _ limit: Int) throws {
  // zlib_tech.html: deflate shrinks by 1032 at most.
  let most = packed.readableBytes * 1_032
  let whole = decompress(packed, most)
  let limited = decompress(packed, limit)
  if case .success(let output) = limited {
    try require(output.readableBytes <= limit, "\(output.readableBytes) bytes over \(limit)")
    // NIO rounds capacities up to powers of two.
    try require(
      output.capacity <= max(1_024, 4 * limit), "memory of \(output.capacity) for \(limit)")
  }
  switch whole {
  case .success(let output) where output.readableBytes <= limit:
    try require(limited == whole, "under the limit: \(limited)")
  case .success:
    try require(limited == .failure(.inflatesTooLarge(limit: limit)), "over the limit: \(limited)")
  case .failure(let error):
    try require(error == .corrupt, "\(packed.readableBytes) bytes hold over \(most)")
    if case .success = limited { throw Finding(description: "corrupt only without a limit") }
  }
}

private enum GzipSeeds {
  @Sendable static func make() -> [[UInt8]] {
    let texts: [[UInt8]] = [
      [], Array("hello, hello, hello".utf8), [UInt8](repeating: 0, count: 4_000),
      Samples.plan.serializedBytes(),
    ]
    return texts.flatMap { text -> [[UInt8]] in
      let packed = Samples.gzip(text)
      return [
        [0x40, 255] + packed, [0, 16] + packed, [0x40, 255] + packed + packed,
        [0x41, 255, 20, 1] + text, [0x41, 255, 3, 4] + text,
      ]
    }
  }
}
