import NIOCore

@testable import GRPC

extension FuzzTarget {
  /// Bytes of DATA frames to messages: however they are cut, the messages and the end are the same,
  /// and what is not compressed is what stands in the input.
  static let deframer = FuzzTarget(name: "deframer", seeds: Deframing.seeds, run: fuzzDeframer)
}

@Sendable func fuzzDeframer(_ bytes: UnsafeRawBufferPointer) throws {
  var input = FuzzInput(bytes)
  let options = input.byte()
  let seed = input.byte()
  let whole = try Deframing.run(input.rest, options: options, seed: 0)
  let pieces = try Deframing.run(input.rest, options: options, seed: seed)
  try require(whole == pieces, "in pieces: \(pieces), as a whole: \(whole)")
}

private enum Deframing {
  static let messageBytesMax = 4_096

  struct Outcome: Equatable {
    var messages: [ByteBuffer] = []
    var error: FramingError?
    var end: FramingError?
  }

  static func run(
    _ bytes: UnsafeRawBufferPointer, options: UInt8, seed: UInt8
  ) throws -> Outcome {
    var deframer = MessageDeframer(
      messageBytesMax: messageBytesMax, encoding: options & 1 == 0 ? .identity : .gzip,
      copies: options & 2 != 0)
    var outcome = Outcome()
    var received = 0
    for piece in Pieces(bytes, seed: seed) {
      received += piece.count
      deframer.append(ByteBuffer(bytes: piece))
      do {
        while let message = try deframer.next() {
          let consumed = bytes.prefix(received - deframer.bufferedBytes)
          try check(message, deframer.isLastCompressed, UnsafeRawBufferPointer(rebasing: consumed))
          outcome.messages.append(message)
        }
      } catch let error as FramingError {
        outcome.error = error
        return outcome
      }
      if options & 4 != 0 { deframer.detach() }
      try require(
        deframer.bufferedBytes < MessageDeframer.prefixBytes + messageBytesMax,
        "\(deframer.bufferedBytes) bytes wait for a message")
    }
    do throws(FramingError) { try deframer.finish() } catch { outcome.end = error }
    return outcome
  }

  /// Checks a message that was taken from the end of the bytes.
  private static func check(
    _ message: ByteBuffer, _ isCompressed: Bool, _ consumed: UnsafeRawBufferPointer
  ) throws {
    try require(message.readableBytes <= messageBytesMax, "\(message.readableBytes) bytes")
    guard !isCompressed else { return }
    var framed = ByteBuffer()
    framed.writeInteger(0 as UInt8)
    framed.writeInteger(UInt32(message.readableBytes))
    framed.writeImmutableBuffer(message)
    try require(
      consumed.suffix(framed.readableBytes).elementsEqual(framed.readableBytesView),
      "\(message) is not what was sent")
  }

  @Sendable static func seeds() -> [[UInt8]] {
    let plain: [UInt8] = [0, 0, 0, 0, 5] + Array("hello".utf8)
    let empty: [UInt8] = [0, 0, 0, 0, 0]
    let packed = Samples.gzip(Array(repeating: 7, count: 300))
    let compressed: [UInt8] = [1, 0, 0, 0, UInt8(packed.count)] + packed
    let tooLarge: [UInt8] = [0, 255, 255, 255, 255, 1, 2]
    let bodies: [[UInt8]] = [
      plain, plain + empty + plain, compressed + plain, tooLarge, [2, 0, 0, 0, 0],
      Array(plain.dropLast()),
    ]
    let choices: [[UInt8]] = [[0, 0], [1, 1], [3, 7], [5, 9]]
    return bodies.flatMap { body in choices.map { $0 + body } }
  }
}
