import Testing

@testable import Plan

/// Rendering payloads (contract section 4).
struct PayloadTests {
  private let inputs = #"{"s":"a \"q\" \u00e9\n","n":1.50,"o":{"k":[1, 2]},"z":null,"t":true}"#
  private let outputs = ["up": #"{"text":"hi","list":[{"x":1},{"x":"é"}]}"#, "word": #""w\\""#]

  private func render(_ payload: String) throws -> String {
    let template = try PayloadTemplate(compiling: Array(payload.utf8), field: "p")
    let bytes = try template.render(inputs: Array(inputs.utf8)) { id in
      outputs[id].map { Array($0.utf8) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("renders")
  func renders() throws {
    let cases: [(payload: String, rendered: String)] = [
      // Without references a payload stays as it is, to the byte.
      (#" { "a" : [ 1.0 , "x\u0041" ] } "#, #" { "a" : [ 1.0 , "x\u0041" ] } "#),
      (#"{"a":"}} {{ $ ${ {"}"#, #"{"a":"}} {{ $ ${ {"}"#),
      // A whole string keeps the value's type and spelling.
      (#"{"a":"${{ inputs.n }}"}"#, #"{"a":1.50}"#),
      (#"{"a":"${{inputs.o}}"}"#, #"{"a":{"k":[1, 2]}}"#),
      (#"{"a":"${{ inputs.o.k }}"}"#, #"{"a":[1, 2]}"#),
      (#"{"a":"${{ inputs.o.k[1] }}"}"#, #"{"a":2}"#),
      (#"{"a":"${{ inputs.z }}","b":"${{ inputs.t }}"}"#, #"{"a":null,"b":true}"#),
      (#"{"a":"${{ inputs.s }}"}"#, #"{"a":"a \"q\" \u00e9\n"}"#),
      (#"{"a":["${{ tasks.word.output }}"]}"#, #"{"a":["w\\"]}"#),
      (#"{"a":"${{ tasks.up.output.list[1].x }}"}"#, #"{"a":"é"}"#),
      // Inside a string the value's text is put in.
      (#"{"a":"-${{ inputs.n }}-"}"#, #"{"a":"-1.50-"}"#),
      (#"{"a":"<${{ inputs.s }}>"}"#, #"{"a":"<a \"q\" \u00e9\n>"}"#),
      (#"{"a":" ${{ inputs.z }} ${{ inputs.t }}"}"#, #"{"a":" null true"}"#),
      (#"{"a":"o: ${{ inputs.o }}"}"#, #"{"a":"o: {\"k\":[1, 2]}"}"#),
      (
        #"{"a":"${{ tasks.up.output.text }}${{ inputs.n }}"}"#,
        #"{"a":"hi1.50"}"#
      ),
      (#"{"a":"é\n\"${{ inputs.n }}\""}"#, #"{"a":"é\n\"1.50\""}"#),
      // A space makes the string more than one reference.
      (#"{"a":"${{ inputs.n }} "}"#, #"{"a":"1.50 "}"#),
      // The escape.
      (#"{"a":"$${{ inputs.n }}"}"#, #"{"a":"${{ inputs.n }}"}"#),
      (#"{"a":"$${{ x ${{ inputs.n }}"}"#, #"{"a":"${{ x 1.50"}"#),
      (#"{"a":"${{ inputs.n }}$${{","b":"c"}"#, #"{"a":"1.50${{","b":"c"}"#),
      (#"{"a":"$$${{ x"}"#, #"{"a":"$${{ x"}"#),
      // Spelled with escapes.
      (#"{"a":"\u0024{{ inputs.n }}"}"#, #"{"a":1.50}"#),
      (#"{"a":"\u00e9${{ inputs['n'] }}\t"}"#, #"{"a":"é1.50\t"}"#),
      // A task that failed and whose plan goes on: null, whatever the path.
      (
        #"{"a":"${{ tasks.gone.output.x.y }}","b":"<${{ tasks.gone.output }}>"}"#,
        #"{"a":null,"b":"<null>"}"#
      ),
      // Combining marks next to the braces.
      ("{\"a\":\"${{ inputs.n }}\u{301}\"}", "{\"a\":\"1.50\u{301}\"}"),
      ("{\"a\":\"e\u{301}$${{\"}", "{\"a\":\"e\u{301}${{\"}"),
    ]
    for (payload, rendered) in cases { #expect(try render(payload) == rendered, "\(payload)") }
  }

  @Test(
    "a reference that leads to nothing is named",
    arguments: [
      "inputs.x", "inputs.o.k[2]", "inputs.s.x", "inputs.o[0]", "tasks.up.output.texts",
      "tasks.word.output.text", "inputs['no such']",
    ])
  func missing(_ reference: String) throws {
    for payload in ["{\"a\":\"${{ \(reference) }}\"}", "{\"a\":\"x ${{ \(reference) }}\"}"] {
      let error = #expect(throws: RenderError.self) { try render(payload) }
      #expect(error?.code == "REFERENCE_MISSING")
      #expect(error?.message == "${{ \(reference) }} leads to nothing: the field is not there")
    }
  }

  @Test("section 5: rendering stops when the payload gets too large")
  func tooLarge() throws {
    let references = Array(repeating: #""${{ tasks.big.output }}""#, count: 50_000)
    let payload = Array("{\"a\":[\(references.joined(separator: ","))]}".utf8)
    let template = try PayloadTemplate(compiling: payload, field: "p")
    let big = Array(("\"" + String(repeating: "x", count: 1 << 20) + "\"").utf8)
    let error = #expect(throws: RenderError.self) {
      // Would have 50 GB.
      try template.render(inputs: []) { _ in big }
    }
    #expect(error?.code == "PAYLOAD_TOO_LARGE")
    let small = try PayloadTemplate(compiling: Array(#"{"a":"${{ inputs }}"}"#.utf8), field: "p")
    let bytes = try small.render(inputs: Array("{}".utf8), maxBytes: 8) { _ in nil }
    #expect(bytes.count == 8)
    #expect(throws: RenderError.self) {
      try small.render(inputs: Array("{}".utf8), maxBytes: 7) { _ in nil }
    }
  }

  @Test("S3: rendering again gives the same bytes")
  func again() throws {
    let payload = #"{"b":"${{ inputs.o }}","a":"${{ tasks.up.output.text }}!"}"#
    #expect(try render(payload) == render(payload))
  }
}
