import JSON
import Testing

@testable import Configuration

@Suite struct SourceDocumentTests {
  private func value(_ text: String) throws -> JSONValue {
    try SourceDocument(text: text, name: "plan.yaml").value
  }

  private func error(_ text: String, name: String = "plan.yaml") -> String {
    do throws(SourceError) {
      let value = try SourceDocument(text: text, name: name).value
      return "read as \(value.text)"
    } catch {
      return error.description
    }
  }

  @Test(arguments: [
    ("~", "null"), ("null", "null"), ("", "null"), ("true", "true"), ("False", "false"),
    ("yes", #""yes""#), ("on", #""on""#), ("12", "12"), ("-12", "-12"), ("+12", "12"),
    ("012", "12"), ("0", "0"), ("-0", "-0"), ("0o17", "15"), ("0xfF", "255"), ("0x", #""0x""#),
    ("1.5", "1.5"), (".5", "0.5"), ("5.", "5"), ("1e3", "1e3"), ("1.50E-3", "1.50e-3"),
    ("1e", #""1e""#), ("1:30", #""1:30""#), ("2026-01-02", #""2026-01-02""#), (".nan", #"".nan""#),
    ("-.inf", #""-.inf""#), (".", #"".""#), ("1_000", #""1_000""#),
    ("'12'", #""12""#), ("\"true\"", #""true""#), ("!!str 12", #""12""#), ("2m", #""2m""#),
  ])
  func plainScalarsFollowTheCoreSchema(text: String, json: String) throws {
    #expect(try value("a: \(text)").text == "{\"a\":\(json)}")
  }

  @Test func blocksFlowsAndAnchorsGiveTheSameValues() throws {
    let text = """
      # a comment
      base: &base {initial: 1s, max: 5s}
      list:
        - one
        - *base
      text: |
        two
        lines
      folded: >-
        one
        line
      """
    #expect(
      try value(text).text == """
        {"base":{"initial":"1s","max":"5s"},"list":["one",{"initial":"1s","max":"5s"}],\
        "text":"two\\nlines\\n","folded":"one line"}
        """)
  }

  @Test func everyFieldKnowsItsLine() throws {
    let document = try SourceDocument(
      text: """
        name: briefing
        tasks:
          - id: facts
            retry:
              max_attempts: 0
          - {id: write, depends_on: [facts,
             nowhere]}
        """, name: "plan.yaml")
    #expect(document.line(of: "name") == 1)
    #expect(document.line(of: "tasks[0].retry.max_attempts") == 5)
    #expect(document.line(of: "tasks[1].depends_on[1]") == 7)
    // What is not there is shown at the nearest thing around it.
    #expect(document.line(of: "tasks[0].type") == 3)
    #expect(document.line(of: "tasks[1].depends_on[1].x.y") == 7)
    #expect(document.line(of: "owner") == 1)
    #expect(document.place(of: "tasks[0].retry") == "plan.yaml:4")
  }

  @Test func jsonIsReadAsJSONWithItsLines() throws {
    let text =
      "{\n\t\"name\": \"\\ud83d\\ude00\",\n\t\"tasks\": [\n"
      + "\t\t{\"id\":\n \"a\"},\n{\"id\": 1}\n]}"
    let document = try SourceDocument(text: text, name: "plan.json")
    #expect(document.value["name"]?.stringValue == "😀")
    #expect(document.line(of: "tasks[0].id") == 4)
    #expect(document.line(of: "tasks[1].id") == 6)
    #expect(error("{\n\"a\": 1,\n}", name: "plan.json") == "plan.json:3: expected a string")
    // In any other file braces may also be YAML's.
    #expect(try value("{a: 1, # comment\n b: [c]}").text == #"{"a":1,"b":["c"]}"#)
  }

  @Test func mistakesNameTheirLine() {
    #expect(error("a: 1\nb: [1, 2\nc: 3").hasPrefix("plan.yaml:3: "))
    #expect(error("a: 1\nb: *nowhere").hasPrefix("plan.yaml:2: found undefined alias"))
    #expect(error("a:\n  x: 1\n  y: 2\n  x: 3") == "plan.yaml:2: written twice: x")
    #expect(error("{\"a\": {\"x\": 1,\n\"x\": 2}}") == "plan.yaml:2: a.x is written twice")
    #expect(error("a: 1\n---\nb: 2").hasPrefix("plan.yaml:2: but found another document"))
    #expect(error("a: 1\nb: \u{1}").hasPrefix("plan.yaml:2: "))
    #expect(error("? [a]\n: 1") == "plan.yaml:1: a key must be a text, not a list or a mapping")
    #expect(error("a: !secret x") == "plan.yaml:1: the tag !secret is not known here")
  }

  @Test func textsThatAreMadeToExhaustAreRefused() {
    let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(error("a: \(deep)") == "plan.yaml:1: nested deeper than 64 levels")
    #expect(error(String(repeating: "[", count: 100_000)).hasPrefix("plan.yaml:1: "))
    let first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    let rest = (1...8).map { level in
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      return "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(error(first + rest.joined()).contains("more values than can be read"))
  }
}
