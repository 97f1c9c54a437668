import Testing

/// What the plugin cannot do it refuses, naming file and field.
@Suite struct RefusalTests {
  /// protoc prefixes the error of a plugin with the plugin's name.
  private func expectRefusal(
    _ proto: String, _ message: String, options: String = "mode=messages",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let run = try PluginRun(["test.proto": proto], options: options)
    #expect(!run.succeeded, sourceLocation: sourceLocation)
    #expect(run.files.isEmpty, sourceLocation: sourceLocation)
    #expect(
      run.diagnostics == "--baton-swift_out: \(message)\n", sourceLocation: sourceLocation)
  }

  private func proto3(_ body: String) -> String {
    "syntax = \"proto3\";\npackage test.v1;\n\(body)\n"
  }

  @Test func proto2() throws {
    try expectRefusal(
      "syntax = \"proto2\";\npackage test.v1;\nmessage M { optional int32 a = 1; }",
      "test.proto: is proto2; only proto3 is supported")
    try expectRefusal(
      """
      syntax = "proto2";
      package test.v1;
      message M { optional group G = 1 { optional int32 a = 1; } }
      """,
      "test.proto: is proto2; only proto3 is supported")
  }

  @Test func aGroupReachedByImport() throws {
    let run = try PluginRun([
      "a.proto":
        """
      syntax = "proto2";
      package a;
      message A { optional group G = 1 { required int32 b = 1; } }
      """,
      "b.proto": proto3("import \"a.proto\";\nmessage B { a.A a = 1; }"),
    ])
    #expect(!run.succeeded)
    #expect(run.diagnostics.contains("a.proto: is proto2; only proto3 is supported"))
  }

  @Test func noPackage() throws {
    try expectRefusal("syntax = \"proto3\";\nmessage M {}", "test.proto: has no package")
  }

  @Test func proto3Optional() throws {
    try expectRefusal(
      proto3("message M { string a = 1; optional int32 b = 2; }"),
      "test.proto: test.v1.M.b: proto3 optional is not supported; "
        + "put the field into a oneof of its own")
  }

  @Test func recursion() throws {
    try expectRefusal(
      proto3("message Tree { string name = 1; repeated Tree children = 2; }"),
      "test.proto: test.v1.Tree.children: recursive messages are not supported: "
        + "test.v1.Tree holds itself by test.v1.Tree.children")
  }

  @Test func recursionInSeveralSteps() throws {
    try expectRefusal(
      proto3(
        """
        message A { B b = 1; }
        message B { oneof o { C c = 1; } }
        message C { map<string, A> a = 1; }
        """),
      "test.proto: test.v1.A.b: recursive messages are not supported: test.v1.A holds itself by "
        + "test.v1.A.b -> test.v1.B.c -> test.v1.C.a -> test.v1.C.AEntry.value")
  }

  @Test func extensions() throws {
    try expectRefusal(
      proto3(
        """
        import "google/protobuf/descriptor.proto";
        extend google.protobuf.FieldOptions { string mark = 50000; }
        """),
      "test.proto: mark: extensions are not supported")
  }

  @Test func enumAliases() throws {
    try expectRefusal(
      proto3("enum E { option allow_alias = true; E_A = 0; E_B = 1; E_C = 1; }"),
      "test.proto: test.v1.E.E_C: aliases (two names of 1) are not supported")
  }

  @Test func namesThatSwiftCannotHave() throws {
    try expectRefusal(
      proto3("message M { int32 self = 1; }"),
      "test.proto: test.v1.M.self: self is not possible as a member's name; rename it")
    try expectRefusal(
      proto3("message M { int32 base = 1; }"),
      "test.proto: test.v1.M.base: base is not possible as a member's name; rename it")
    try expectRefusal(
      proto3("message String { int32 a = 1; }"),
      "test.proto: test.v1.String: generated code needs the name String for something else; "
        + "rename it")
    try expectRefusal(
      proto3("message M { message View {} }"),
      "test.proto: test.v1.M.View: generated code needs the name View for something else; "
        + "rename it")
    try expectRefusal(
      proto3("message M { oneof view { int32 a = 1; } }"),
      "test.proto: test.v1.M.view: the oneof's Swift type View has the name of a nested type; "
        + "rename one of them")
    try expectRefusal(
      proto3("enum E { E_UNSPECIFIED = 0; E_UNRECOGNIZED = 1; }"),
      "test.proto: test.v1.E.E_UNRECOGNIZED: unrecognized is there twice in Swift; "
        + "rename one of them")
    try expectRefusal(
      proto3("message M { message Value {} oneof value { int32 a = 1; } }"),
      "test.proto: test.v1.M.value: the oneof's Swift type Value has the name of a nested type; "
        + "rename one of them")
  }

  @Test func unknownOptions() throws {
    try expectRefusal(
      proto3("message M {}"), "mode=java: the modes are messages, stubs and docs",
      options: "mode=java")
    try expectRefusal(
      proto3("message M {}"),
      "option colour=red: the options are mode=, c_module=, support=, "
        + "visibility=public or internal, views=no, messages_module= and files_type=",
      options: "colour=red")
  }

  @Test func twoServicesOfOneName() throws {
    let run = try PluginRun(
      [
        "a.proto": "syntax = \"proto3\";\npackage a.b;\nmessage M {}\nservice S {}",
        "b.proto": "syntax = \"proto3\";\npackage a_b;\nmessage M {}\nservice S {}",
      ], options: "mode=stubs")
    #expect(
      run.diagnostics.contains(
        "b.proto: a service named ABS in Swift is in a.proto too; rename one"))
  }
}
