//! What the nodes of each grammar define.

use super::SymbolKind::{
    self, Constant, Field, Function, Interface, Macro, Method, Module, Section, Type, Variant,
};

/// How a node tells the name of what it defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameIn {
    /// In this field.
    Field(&'static str),
    /// In this field of each child of this kind.
    Children(&'static str, &'static str),
    /// In the innermost declarator, as in C.
    Declarator,
    /// In the innermost declarator, if that is of a function.
    FunctionDeclarator,
    /// In each child of this kind.
    Nodes(&'static str),
}

/// Where a definition counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// Anywhere.
    Anywhere,
    /// Not inside of a function.
    Outside,
    /// Only where the node has a body.
    WithBody,
}

/// A kind of node that defines something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition {
    pub(super) node: &'static str,
    pub(super) kind: SymbolKind,
    pub(super) name: NameIn,
    pub(super) place: Where,
}

const fn named(node: &'static str, kind: SymbolKind) -> Definition {
    Definition { node, kind, name: NameIn::Field("name"), place: Where::Anywhere }
}

const fn outside(node: &'static str, kind: SymbolKind, name: NameIn) -> Definition {
    Definition { node, kind, name, place: Where::Outside }
}

const fn with(node: &'static str, kind: SymbolKind, name: NameIn, place: Where) -> Definition {
    Definition { node, kind, name, place }
}

/// What a grammar has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds {
    /// The language's id.
    pub(super) id: &'static str,
    /// What defines something.
    pub(super) definitions: &'static [Definition],
    /// What functions lie in that are methods.
    pub(super) types: &'static [&'static str],
}

pub(super) const KINDS: &[Kinds] = &[
    Kinds {
        id: "rust",
        definitions: &[
            named("function_item", Function),
            named("function_signature_item", Function),
            named("struct_item", Type),
            named("enum_item", Type),
            named("union_item", Type),
            named("type_item", Type),
            named("associated_type", Type),
            named("trait_item", Interface),
            named("mod_item", Module),
            named("const_item", Constant),
            named("static_item", Constant),
            named("enum_variant", Variant),
            named("field_declaration", Field),
            named("macro_definition", Macro),
        ],
        types: &["impl_item", "trait_item"],
    },
    Kinds {
        id: "python",
        definitions: &[
            named("function_definition", Function),
            named("class_definition", Type),
            named("type_alias_statement", Type),
            outside("assignment", Constant, NameIn::Field("left")),
        ],
        types: &["class_definition"],
    },
    Kinds { id: "javascript", definitions: SCRIPT, types: &["class_declaration", "class"] },
    Kinds {
        id: "typescript",
        definitions: SCRIPT,
        types: &["class_declaration", "class", "interface_declaration"],
    },
    Kinds { id: "tsx", definitions: SCRIPT, types: &["class_declaration", "class", "interface_declaration"] },
    Kinds {
        id: "go",
        definitions: &[
            named("function_declaration", Function),
            named("method_declaration", Method),
            named("method_elem", Method),
            named("type_spec", Type),
            named("type_alias", Type),
            outside("const_spec", Constant, NameIn::Nodes("identifier")),
            outside("var_spec", Constant, NameIn::Nodes("identifier")),
            with("field_declaration", Field, NameIn::Nodes("field_identifier"), Where::Anywhere),
        ],
        types: &[],
    },
    Kinds { id: "c", definitions: C, types: &[] },
    Kinds { id: "cpp", definitions: C, types: &["class_specifier", "struct_specifier"] },
    Kinds {
        id: "java",
        definitions: &[
            named("class_declaration", Type),
            named("record_declaration", Type),
            named("enum_declaration", Type),
            named("annotation_type_declaration", Interface),
            named("interface_declaration", Interface),
            named("method_declaration", Method),
            named("constructor_declaration", Method),
            named("enum_constant", Variant),
            with(
                "field_declaration",
                Field,
                NameIn::Children("variable_declarator", "name"),
                Where::Anywhere,
            ),
            with(
                "constant_declaration",
                Constant,
                NameIn::Children("variable_declarator", "name"),
                Where::Anywhere,
            ),
        ],
        types: &[],
    },
    Kinds {
        id: "csharp",
        definitions: &[
            named("class_declaration", Type),
            named("struct_declaration", Type),
            named("record_declaration", Type),
            named("enum_declaration", Type),
            named("delegate_declaration", Type),
            named("interface_declaration", Interface),
            named("namespace_declaration", Module),
            named("method_declaration", Method),
            named("constructor_declaration", Method),
            named("property_declaration", Field),
            named("enum_member_declaration", Variant),
        ],
        types: &[],
    },
    Kinds {
        id: "ruby",
        definitions: &[
            named("method", Function),
            named("singleton_method", Function),
            named("class", Type),
            named("module", Module),
        ],
        types: &["class", "module"],
    },
    Kinds { id: "bash", definitions: &[named("function_definition", Function)], types: &[] },
    Kinds {
        id: "markdown",
        definitions: &[
            with("atx_heading", Section, NameIn::Field("heading_content"), Where::Anywhere),
            with("setext_heading", Section, NameIn::Field("heading_content"), Where::Anywhere),
        ],
        types: &[],
    },
];

const SCRIPT: &[Definition] = &[
    named("function_declaration", Function),
    named("generator_function_declaration", Function),
    named("function_signature", Function),
    named("class_declaration", Type),
    named("abstract_class_declaration", Type),
    named("method_definition", Method),
    named("abstract_method_signature", Method),
    named("method_signature", Method),
    named("interface_declaration", Interface),
    named("type_alias_declaration", Type),
    named("enum_declaration", Type),
    named("enum_assignment", Variant),
    named("internal_module", Module),
    named("module", Module),
    named("public_field_definition", Field),
    with("field_definition", Field, NameIn::Field("property"), Where::Anywhere),
    named("property_signature", Field),
    outside("variable_declarator", Constant, NameIn::Field("name")),
];

const C: &[Definition] = &[
    with("function_definition", Function, NameIn::Declarator, Where::Anywhere),
    with("declaration", Function, NameIn::FunctionDeclarator, Where::Outside),
    with("struct_specifier", Type, NameIn::Field("name"), Where::WithBody),
    with("union_specifier", Type, NameIn::Field("name"), Where::WithBody),
    with("enum_specifier", Type, NameIn::Field("name"), Where::WithBody),
    with("class_specifier", Type, NameIn::Field("name"), Where::WithBody),
    with("type_definition", Type, NameIn::Declarator, Where::Anywhere),
    named("alias_declaration", Type),
    named("concept_definition", Interface),
    named("namespace_definition", Module),
    named("enumerator", Variant),
    named("preproc_def", Macro),
    named("preproc_function_def", Macro),
    with("field_declaration", Field, NameIn::Declarator, Where::Anywhere),
    outside("init_declarator", Constant, NameIn::Declarator),
];
