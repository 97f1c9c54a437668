import JSON
import Testing

@testable import Plan

/// `output_schema` as docs/output-schemas.md has it.
struct SchemaTests {
  private func mistake(_ output: String, _ schema: String, type: String = "t") throws -> String {
    let schema = try OutputSchema(Array(schema.utf8), taskType: type)
    let start = "the output does not fit its schema: "
    let text = schema.mistake(in: Array(output.utf8)) ?? "fits"
    return text.hasPrefix(start) ? String(text.dropFirst(start.count)) : text
  }

  @Test("what fits and what does not, in words")
  func table() throws {
    for (schema, output, expected) in [
      ("{}", "[1,null]", "fits"),
      (#"{"type":"object"}"#, "{}", "fits"),
      (#"{"type":"object"}"#, "[]", "output: expected an object, not a list"),
      (#"{"type":["string","null"]}"#, "null", "fits"),
      (#"{"type":["string","null"]}"#, "1", "output: expected a string or null, not a number"),
      (#"{"type":"integer"}"#, "2.0", "fits"),
      (#"{"type":"integer"}"#, "1e3", "fits"),
      (#"{"type":"integer"}"#, "2.5", "output: expected a whole number, not a number"),
      (#"{"type":"number","minimum":1,"maximum":2.5}"#, "2", "fits"),
      (#"{"minimum":1}"#, "0", "output: expected at least 1, not 0"),
      (#"{"maximum":2.5}"#, "3", "output: expected at most 2.5, not 3"),
      (#"{"minimum":1}"#, #""a""#, "fits"),
      (#"{"type":"boolean"}"#, "true", "fits"),
      (#"{"enum":["a",1,null]}"#, "1.0", "fits"),
      (#"{"enum":["a",1]}"#, #""b""#, #"output: expected one of "a", 1, not "b""#),
      (#"{"const":"a"}"#, "{}", #"output: expected "a", not an object"#),
      (#"{"minLength":2,"maxLength":3}"#, #""söß""#, "fits"),
      (#"{"minLength":2}"#, #""ö""#, "output: expected at least 2 characters, not 1"),
      (#"{"maxLength":1}"#, #""ab""#, "output: expected at most 1 characters, not 2"),
      (#"{"items":{"type":"string"},"minItems":1,"maxItems":2}"#, #"["a"]"#, "fits"),
      (#"{"minItems":1}"#, "[]", "output: expected at least 1 items, not 0"),
      (#"{"maxItems":1}"#, "[1,2]", "output: expected at most 1 items, not 2"),
      (
        #"{"items":{"type":"string"}}"#, #"["a",1,{}]"#,
        "output[1]: expected a string, not a number; output[2]: expected a string, not an object"
      ),
      (#"{"required":["a"]}"#, #"{"a":null}"#, "fits"),
      (#"{"required":["a"]}"#, "{}", "output.a is missing"),
      (#"{"properties":{"a":{"type":"string"}}}"#, #"{"b":1}"#, "fits"),
      (
        #"{"properties":{"a":{"type":"string"}},"additionalProperties":false}"#,
        #"{"b":1,"a":2}"#,
        #"output: "b" does not belong there; output.a: expected a string, not a number"#
      ),
      (
        #"{"properties":{"a":{"properties":{"b":{"items":{"const":1}}}}}}"#,
        #"{"a":{"b":[1,2]}}"#, "output.a.b[1]: expected 1, not 2"
      ),
      (#"{"properties":{"a":{"type":"string"}}}"#, #"{"a":1,"a":"last"}"#, "fits"),
      (#"{"anyOf":[{"type":"string"},{"minimum":3}]}"#, "3", "fits"),
      (#"{"anyOf":[{"type":"string"},{"minimum":3}]}"#, "2", "output: 2 fits none of its 2 forms"),
      (#"{"title":"T","description":"d","default":1,"examples":[{}]}"#, "1", "fits"),
      (
        #"{"items":{"type":"null"}}"#, "[1,1,1,1,1,1,1]",
        (0..<5).map { "output[\($0)]: expected null, not a number" }.joined(separator: "; ")
          + "; and more"
      ),
    ] {
      #expect(try mistake(output, schema) == expected, "\(schema) \(output)")
    }
  }

  @Test("for the types of the contract the schema is about the output's json")
  func portable() throws {
    let schema = #"{"type":"object","required":["n"]}"#
    for type in ["prompt", "agent", "crew", "graph"] {
      #expect(try mistake(#"{"text":"","json":{"n":1}}"#, schema, type: type) == "fits")
      #expect(try mistake(#"{"text":"","json":{}}"#, schema, type: type) == "json.n is missing")
      for output in [#"{"text":"","json":null}"#, #"{"text":""}"#, "7"] {
        let text = try mistake(output, schema, type: type)
        #expect(text == "the answer is not JSON; answer with JSON alone that fits the schema")
      }
      #expect(try mistake(#"{"json":null}"#, #"{"type":["object","null"]}"#, type: type) == "fits")
    }
  }

  @Test("section 5: every other keyword is refused at submission, naming it")
  func refusedKeywords() throws {
    for (schema, place, words) in [
      (#"{"pattern":"a*"}"#, "pattern", "not supported"),
      (#"{"properties":{"a":{"$ref":"x"}}}"#, "properties.a.$ref", "not supported"),
      (#"{"items":[{}]}"#, "items", "expected a schema"),
      (#"{"items":true}"#, "items", "expected a schema"),
      (#"{"anyOf":[]}"#, "anyOf", "list of schemas"),
      (#"{"anyOf":[{},{"type":"text"}]}"#, "anyOf[1].type", #""text" is no type"#),
      (#"{"type":[]}"#, "type", "names no type"),
      (#"{"additionalProperties":{}}"#, "additionalProperties", "only true and false"),
      (#"{"enum":[]}"#, "enum", "list of values"),
      (#"{"const":{}}"#, "const", "only strings"),
      (#"{"minimum":"1"}"#, "minimum", "expected a number"),
      (#"{"minItems":-1}"#, "minItems", "whole number from 0"),
      (#"{"maxLength":1.5}"#, "maxLength", "whole number from 0"),
      (#"{"required":"a"}"#, "required", "list of names"),
      (#"{"required":[1]}"#, "required", "expected a name"),
      (#"{"properties":[]}"#, "properties", "expected an object"),
      ("[]", "", "expected a schema"), ("{", "", "expected a string"),
    ] {
      let mistake = #expect(throws: SchemaMistake.self) {
        try OutputSchema(Array(schema.utf8), taskType: "t")
      }
      #expect(mistake?.place == place, "\(schema)")
      #expect(mistake?.message.contains(words) == true, "\(schema): \(mistake?.message ?? "")")
    }
    var plan = Plan(["a": []])
    plan.tasks[0].outputSchema = Array(#"{"properties":{"x":{"format":"date"}}}"#.utf8)
    #expect(refusals(plan) == ["tasks[0].output_schema.properties.x.format BAD_SCHEMA"])
  }

  @Test("an approval takes no output schema")
  func approval() {
    var plan = Plan(["a": []])
    plan.tasks[0].type = "approval"
    plan.tasks[0].payload = Array(#"{"prompt":"Go on?"}"#.utf8)
    plan.tasks[0].outputSchema = Array("{}".utf8)
    #expect(refusals(plan) == ["tasks[0].output_schema BAD_SCHEMA"])
  }

  @Test("schemas and the checking of outputs are bounded")
  func bounds() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: #"{"items":"#, count: depth - 1) + "{}"
        + String(repeating: "}", count: depth - 1)
    }
    #expect(try mistake("[]", nested(16)) == "fits")
    let many = Array(repeating: "{}", count: 1_000).joined(separator: ",")
    let deep = String(repeating: "[", count: 48) + String(repeating: "]", count: 48)
    for schema in [
      nested(17), #"{"anyOf":[\#(many)]}"#, #"{"default":\#(deep)}"#,
      #"{"title":"\#(String(repeating: "x", count: 64 << 10))"}"#,
    ] {
      #expect(throws: SchemaMistake.self) { try OutputSchema(Array(schema.utf8), taskType: "t") }
    }
    let forms = Array(repeating: #"{"items":{"type":"string"}}"#, count: 400).joined(separator: ",")
    let long = "[" + Array(repeating: #""a""#, count: 200_000).joined(separator: ",") + ",1]"
    #expect(
      try mistake(long, #"{"anyOf":[\#(forms)]}"#).contains("it takes too long to check"))
  }
}
