internal import JSON

/// A payload cut into literal bytes and references, so that rendering only joins byte slices and a
/// redelivery is the same to the byte.
///
/// A string that is one reference and nothing else becomes the value itself with its JSON type;
/// otherwise the value's text is put into the string. `$${{` stands for `${{` itself.
public struct PayloadTemplate: Sendable, Equatable {
  enum Segment: Sendable, Equatable {
    case literal([UInt8])
    /// The whole value.
    case value(Reference)
    /// Inside a string.
    case text(Reference)
  }

  private(set) var segments: [Segment] = []

  /// Every reference, in order.
  public var references: [Reference] {
    segments.compactMap {
      switch $0 {
      case .literal: nil
      case .value(let reference), .text(let reference): reference
      }
    }
  }

  /// Compiles one JSON object. Throws the first mistake as a problem whose field is `field`.
  public init(compiling payload: [UInt8], field: String) throws(PlanProblem.Wrapped) {
    var compiler = TemplateCompiler()
    let error: JSONError? = payload.withUnsafeBytes { buffer in
      var reader = JSONReader(buffer)
      do throws(JSONError) {
        reader.skipWhitespace()
        guard reader.next == UInt8(ascii: "{") else { throw reader.error("expected an object") }
        try compiler.value(&reader)
        reader.skipWhitespace()
        guard reader.next == nil else { throw reader.error("something follows the object") }
        compiler.finish(buffer)
        return nil
      } catch { return error }
    }
    if let error {
      let deep = error.message.hasPrefix("nested deeper")
      throw PlanProblem.Wrapped(
        PlanProblem(field, deep ? .tooDeep : .badJSON, error.description))
    }
    if let mistake = compiler.mistake {
      throw PlanProblem.Wrapped(PlanProblem(field, .badReference, mistake))
    }
    segments = compiler.segments
  }

  /// The payload with every reference replaced.
  ///
  /// `output` gives a task's output; nil stands for a task that failed and whose plan goes on,
  /// every reference to which is null. Stops as soon as there are more than `maxBytes`: a payload
  /// may name a large output thousands of times.
  public func render(
    inputs: [UInt8], item: MapItem? = nil, maxBytes: Int = PlanLimits().maxPayloadBytes,
    output: (_ taskID: String) -> [UInt8]?
  ) throws(RenderError) -> [UInt8] {
    var bytes: [UInt8] = []
    for segment in segments {
      switch segment {
      case .literal(let literal): bytes.append(contentsOf: literal)
      case .value(let reference):
        bytes.append(contentsOf: try resolve(reference, inputs, item, output))
      case .text(let reference):
        let value = try resolve(reference, inputs, item, output)
        if value.first == UInt8(ascii: "\"") {
          bytes.append(contentsOf: value.dropFirst().dropLast())
        } else {
          JSONWriter.appendEscaped(String(decoding: value, as: UTF8.self), to: &bytes)
        }
      }
      guard bytes.count <= maxBytes else { throw .tooLarge(limitBytes: maxBytes) }
    }
    return bytes
  }

  private func resolve(
    _ reference: Reference, _ inputs: [UInt8], _ item: MapItem?,
    _ output: (String) -> [UInt8]?
  ) throws(RenderError) -> ArraySlice<UInt8> {
    let root: [UInt8]
    switch reference.source {
    case .inputs: root = inputs
    case .task(let id):
      guard let bytes = output(id) else { return Array("null".utf8)[...] }
      root = bytes
    case .item:
      guard let item else { throw .missing(reference) }
      root = item.json
    case .index:
      guard let item else { throw .missing(reference) }
      return Array("\(item.index)".utf8)[...]
    }
    guard let value = JSONReader.find(reference.path, in: root) else {
      throw .missing(reference)
    }
    return value
  }
}

/// What an instance of a mapped task is for.
public struct MapItem: Sendable, Equatable {
  public var index: Int32
  /// One JSON value.
  public var json: [UInt8]

  public init(index: Int32, json: [UInt8]) {
    self.index = index
    self.json = json
  }
}

/// Why a payload cannot be rendered.
public struct RenderError: Error, Sendable, Equatable {
  /// Stable and machine-readable.
  public var code: String
  /// For people.
  public var message: String

  static func missing(_ reference: Reference) -> RenderError {
    RenderError(
      code: "REFERENCE_MISSING",
      message: "${{ \(reference.text) }} leads to nothing: the field is not there")
  }

  static func tooLarge(limitBytes: Int) -> RenderError {
    RenderError(
      code: "PAYLOAD_TOO_LARGE",
      message: "with its references filled in, the payload has more than \(limitBytes) bytes")
  }
}

extension PlanProblem {
  /// A problem as an error.
  public struct Wrapped: Error, Sendable, Equatable {
    public var problem: PlanProblem

    init(_ problem: PlanProblem) { self.problem = problem }
  }
}

/// Walks a payload and cuts it at its references.
private struct TemplateCompiler {
  var segments: [PayloadTemplate.Segment] = []
  var mistake: String?
  /// Literal bytes that are not in a segment yet, and where those that follow them start.
  private var literal: [UInt8] = []
  private var literalStart = 0

  private static let opening: [UInt8] = Array("${{".utf8)

  mutating func value(_ reader: inout JSONReader) throws(JSONError) {
    switch reader.next {
    case UInt8(ascii: "{"):
      try reader.eachMember { reader throws(JSONError) in
        if try text(ofStringAt: &reader) != nil {
          mistake = mistake ?? "a reference must stand in a value, not in a field's name"
        }
        try reader.skipColon()
        try value(&reader)
      }
    case UInt8(ascii: "["):
      try reader.eachElement { reader throws(JSONError) in try value(&reader) }
    case UInt8(ascii: "\""):
      let start = reader.offset
      guard let text = try text(ofStringAt: &reader) else { return }
      flush(reader.bytes, upTo: start)
      string(text)
      literalStart = reader.offset
    default: try reader.skipValue()
    }
  }

  /// Moves over a string; answers its text where that holds `${{`, written out or escaped.
  private func text(ofStringAt reader: inout JSONReader) throws(JSONError) -> String? {
    var again = JSONReader(reader.bytes, at: reader.offset)
    let (content, escaped) = try reader.skipString()
    if escaped {
      let text = try again.readString()
      return Substring(text).firstRange(ofText: "${{") == nil ? nil : text
    }
    return contains(reader.bytes[content]) ? try again.readString() : nil
  }

  mutating func finish(_ buffer: UnsafeRawBufferPointer) {
    flush(buffer, upTo: buffer.count)
    closeLiteral()
  }

  private mutating func flush(_ buffer: UnsafeRawBufferPointer, upTo end: Int) {
    literal.append(contentsOf: buffer[literalStart..<end])
    literalStart = end
  }

  private mutating func closeLiteral() {
    if !literal.isEmpty { segments.append(.literal(literal)) }
    literal = []
  }

  private func contains(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    guard bytes.count >= 3 else { return false }
    return bytes.indices.dropLast(2).contains { index in
      bytes[index] == Self.opening[0] && bytes[index + 1] == Self.opening[1]
        && bytes[index + 2] == Self.opening[2]
    }
  }

  /// Cuts the text of one string.
  private mutating func string(_ text: String) {
    var pieces: [PayloadTemplate.Segment] = []
    var literal = ""
    var rest = Substring(text)
    while let start = rest.firstRange(ofText: "${{") {
      let before = rest[..<start.lowerBound]
      if before.last == "$" {
        literal += before.dropLast() + "${{"
        rest = rest[start.upperBound...]
        continue
      }
      literal += before
      rest = rest[start.upperBound...]
      guard let end = rest.firstRange(ofText: "}}") else {
        mistake = mistake ?? "\"${{\" is not closed by \"}}\"; write $${{ for the characters"
        return
      }
      do throws(ReferenceError) {
        let reference = try Reference(parsing: String(rest[..<end.lowerBound]))
        if !literal.isEmpty { pieces.append(.literal(Array(literal.utf8))) }
        literal = ""
        pieces.append(.text(reference))
      } catch {
        mistake = mistake ?? "${{\(rest[..<end.lowerBound])}}: \(error.message)"
        return
      }
      rest = rest[end.upperBound...]
    }
    literal += rest
    if !literal.isEmpty { pieces.append(.literal(Array(literal.utf8))) }
    emit(pieces)
  }

  private mutating func emit(_ pieces: [PayloadTemplate.Segment]) {
    if pieces.count == 1, case .text(let reference) = pieces[0] {
      closeLiteral()
      segments.append(.value(reference))
      return
    }
    literal.append(UInt8(ascii: "\""))
    for piece in pieces {
      if case .literal(let text) = piece {
        JSONWriter.appendEscaped(String(decoding: text, as: UTF8.self), to: &literal)
      } else {
        closeLiteral()
        segments.append(piece)
      }
    }
    literal.append(UInt8(ascii: "\""))
  }
}

extension Substring {
  /// The first place of `needle`, by characters of UTF-8.
  fileprivate func firstRange(ofText needle: StaticString) -> Range<Index>? {
    let count = needle.utf8CodeUnitCount
    var start = utf8.startIndex
    while let end = utf8.index(start, offsetBy: count, limitedBy: utf8.endIndex) {
      if utf8[start..<end].elementsEqual(UnsafeBufferPointer(start: needle.utf8Start, count: count))
      {
        return start..<end
      }
      start = utf8.index(after: start)
    }
    return nil
  }
}
