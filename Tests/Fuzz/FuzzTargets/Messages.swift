@testable import Messages

extension FuzzTarget {
  /// Bytes to messages and back.
  static let messages = FuzzTarget(
    name: "messages", seeds: MessageSeeds.make, run: fuzzMessages)
}

@Sendable func fuzzMessages(_ bytes: UnsafeRawBufferPointer) throws {
  var input = FuzzInput(bytes)
  let kind = kinds[Int(input.byte()) % kinds.count]
  try check(kind, input.rest)
}

/// Messages with every kind of field, and what the services take and give.
private let kinds: [any ProtobufCConvertible.Type] = [
  BatonKindsV1.Kinds.self, BatonKindsV1.Choice.self, BatonKindsV1.Lists.self,
  BatonKindsV1.Maps.self, BatonV1.SubmitPlanRequest.self, BatonV1.Plan.self,
  BatonV1.RegisterAdapterRequest.self, BatonV1.ReportTaskResultRequest.self,
  BatonV1.DispatchTaskRequest.self, BatonV1.StreamPlanEventsResponse.self,
  BatonV1.GetPlanTraceResponse.self, GoogleRpc.Status.self, GoogleRpc.ErrorInfo.self,
  GoogleRpc.RetryInfo.self, GrpcHealthV1.HealthCheckRequest.self,
  GrpcReflectionV1.ServerReflectionRequest.self,
]

/// - What the scan lets through, protobuf-c unpacks; what it refuses, nothing decodes.
/// - What was decoded gives, encoded and decoded again, the same value.
/// - Equal values give equal bytes, those that protobuf-c packs.
private func check<Value: ProtobufCConvertible>(
  _ type: Value.Type, _ bytes: UnsafeRawBufferPointer
) throws {
  let isSound = scanAccepts(type, bytes)
  let value: Value
  do throws(MessageDecodingError) {
    value = try Value(serializedBytes: bytes)
  } catch {
    return try require(!isSound, "the scan let through: \(error)")
  }
  try require(isSound, "decoded what the scan refuses")
  let encoded = value.serializedBytes()
  let again: Value
  do throws(MessageDecodingError) {
    again = try Value(serializedBytes: encoded)
  } catch {
    throw Finding(description: "cannot decode what was encoded: \(error)")
  }
  // A NaN is not equal to itself, but an array that holds one is equal to its copy.
  if try Value(serializedBytes: bytes) == value {
    try require(again == value, "\(again) was \(value)")
  }
  try require(again.serializedBytes() == encoded, "equal values, other bytes: \(value)")
  try require(
    packedByProtobufC(type, encoded) == encoded, "protobuf-c packs other bytes: \(value)")
}

private func scanAccepts<Value: ProtobufCConvertible>(
  _ type: Value.Type, _ bytes: UnsafeRawBufferPointer
) -> Bool {
  guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count > 0 else {
    return true
  }
  var scanner = WireScanner(memoryLimit: Codec.memoryLimit(forByteCount: bytes.count))
  return (try? scanner.scan(Value.wireTable, start, start + bytes.count)) != nil
}

private enum MessageSeeds {
  @Sendable static func make() -> [[UInt8]] {
    let values: [[UInt8]] = [
      kindsValue,
      BatonKindsV1.Choice(value: .part(.init(shape: .round, name: "A"))).serializedBytes(),
      lists, maps,
      BatonV1.SubmitPlanRequest(plan: Samples.plan).serializedBytes(),
      Samples.plan.serializedBytes(),
    ]
    return values.enumerated().map { [UInt8($0.offset)] + $0.element } + [
      [11] + Samples.status.serializedBytes()
    ]
  }

  private static var kindsValue: [UInt8] {
    BatonKindsV1.Kinds(
      doubleValue: -1.5, floatValue: 0.25, int32Value: -1, int64Value: .min, uint32Value: 300,
      uint64Value: .max, sint32Value: -5, sint64Value: 9, fixed32Value: 1, fixed64Value: 2,
      sfixed32Value: -3, sfixed64Value: -4, boolValue: true, stringValue: "grün 🚂",
      bytesValue: [0, 255], color: .deepBlue, part: .init(shape: .belowZero, name: "p")
    ).serializedBytes()
  }

  private static var lists: [UInt8] {
    BatonKindsV1.Lists(
      doubles: [0, 1.5], floats: [0.5], int32s: [0, -1], int64s: [-1, .max], uint32s: [0, 300],
      uint64s: [.max], sint32s: [-1, 1], sint64s: [.min], fixed32s: [1, 0], fixed64s: [2],
      sfixed32s: [-1], sfixed64s: [-1, 0], bools: [true, false], strings: ["", "ü"],
      byteStrings: [[], [1, 2]], colors: [.red, .deepBlue],
      parts: [.init(), .init(shape: .round, name: "q")], unpacked: [1, 0, -1]
    ).serializedBytes()
  }

  private static var maps: [UInt8] {
    BatonKindsV1.Maps(
      byString: ["b": "2", "a": "1"], byInt32: [-1: -2], byInt64: [-1: 0.5], byUint32: [1: [0]],
      byUint64: [1: .red], bySint32: [-5: .init(shape: .round, name: "r")], bySint64: [-5: true],
      byFixed32: [1: 0.5], byFixed64: [9: 2], bySfixed32: [-1: 1], bySfixed64: [-1: -1],
      byBool: [true: "t"]
    ).serializedBytes()
  }
}
