import Messages
import NIOCore

@testable import GRPC
@testable import HTTP2

extension FuzzTarget {
  /// Header fields to metadata, requests and statuses, and the encodings within them.
  static let headers = FuzzTarget(name: "headers", seeds: HeaderSeeds.make, run: fuzzHeaders)
}

/// Lines of "name=value", as they come out of HPACK; and all of the input as one value.
@Sendable func fuzzHeaders(_ bytes: UnsafeRawBufferPointer) throws {
  try checkBase64(bytes)
  try checkPercentEncoding(bytes)
  try checkTimeout(bytes)
  _ = MessageEncoding.acceptsGzip(bytes)
  _ = RetryPushback(bytes)
  var block = HeaderBlock()
  for line in bytes.split(separator: UInt8(ascii: "\n")) {
    let name = line.prefix { $0 != UInt8(ascii: "=") }
    block.append(
      name: UnsafeRawBufferPointer(rebasing: name),
      value: UnsafeRawBufferPointer(rebasing: line.dropFirst(name.count + 1)))
  }
  _ = try? RequestHead(block, Handlers.table, receivedTime: .uptimeNanoseconds(1))
  _ = ResponseHead(block).refusal
  try checkMetadata(block)
  try checkStatus(block)
}

private func checkBase64(_ bytes: UnsafeRawBufferPointer) throws {
  try require(
    decodeBase64(Base64.encode(Array(bytes))) == Array(bytes), "base64 of \(Array(bytes))")
  guard let decoded = Base64.decode(bytes) else { return }
  try require(decodeBase64(Base64.encode(decoded)) == decoded, "base64 of \(decoded)")
}

private func decodeBase64(_ text: String) -> [UInt8]? {
  Array(text.utf8).withUnsafeBytes(Base64.decode)
}

private func checkPercentEncoding(_ bytes: UnsafeRawBufferPointer) throws {
  let text = String(decoding: bytes, as: UTF8.self)
  let encoded = PercentEncoding.encode(text)
  try require(encoded.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "sends \(encoded)")
  try require(
    PercentEncoding.decode(encoded).utf8.elementsEqual(text.utf8), "\(text) came as \(encoded)")
  _ = PercentEncoding.decode(text)
}

private func checkTimeout(_ bytes: UnsafeRawBufferPointer) throws {
  guard let nanoseconds = TimeoutHeader.parse(bytes) else { return }
  let text = TimeoutHeader.format(nanoseconds: nanoseconds)
  let again = Array(text.utf8).withUnsafeBytes(TimeoutHeader.parse)
  try require(again.map { $0 >= nanoseconds } == true, "\(nanoseconds) ns are sent as \(text)")
  // A unit more at most: the next coarser one is taken from 10^8 on, and is 3,600 times as large.
  try require(
    again.map { Double($0) <= Double(nanoseconds) * 1.001 } == true,
    "\(nanoseconds) ns are sent as \(text)")
}

/// What was received can be sent on and arrives the same, if it may be sent at all.
private func checkMetadata(_ block: HeaderBlock) throws {
  let metadata = Metadata(block)
  var sent = HeaderBlock()
  do throws(RPCError) { try metadata.append(to: &sent) } catch { return }
  try require(Metadata(sent) == metadata, "\(metadata) arrives as \(Metadata(sent))")
}

/// A status that was received, sent on as it is.
private func checkStatus(_ block: HeaderBlock) throws {
  guard case .failed(let status) = StatusFields.read(block) else { return }
  var sent = HeaderBlock()
  StatusFields.append(status, to: &sent)
  guard case .failed(let again) = StatusFields.read(sent) else {
    throw Finding(description: "\(status) is no failure any more")
  }
  try require(
    again.code == status.code && again.message == status.message
      && again.details == status.details, "\(status) arrives as \(again)")
}

/// What a server serves.
enum Handlers {
  static let table = MethodTable(
    [
      .unary(MethodDescriptor(service: "baton.v1.Orchestrator", method: "SubmitPlan")) {
        (_: BatonV1.SubmitPlanRequest, _) in BatonV1.SubmitPlanResponse()
      }
    ], ServerConfiguration())
}

private enum HeaderSeeds {
  @Sendable static func make() -> [[UInt8]] {
    let request = """
      :method=POST
      :scheme=http
      :path=/baton.v1.Orchestrator/SubmitPlan
      :authority=localhost
      content-type=application/grpc+proto
      te=trailers
      grpc-timeout=20S
      grpc-encoding=gzip
      grpc-accept-encoding=identity, gzip
      trace-bin=AAEC,/w
      user=anna
      """
    let details = Base64.encode(Samples.status.serializedBytes())
    let response = """
      :status=200
      content-type=application/grpc
      grpc-status=5
      grpc-message=no plan %22gr%C3%BCn%22
      grpc-retry-pushback-ms=100
      grpc-status-details-bin=\(details)
      """
    let values = ["99999999H", "1n", "AAEC/w==", "100%25 %e2%98%83 %", "deflate, gzip", "-1"]
    return ([request, response] + values).map { Array($0.utf8) }
  }
}
