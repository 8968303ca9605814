import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

/**
 * Every code that the sources can put into a diagnostic, an error of a task or an error of a host: the literals that
 * stand where a parameter or a property is called `code`. `templates` says what a template literal comes to; one that
 * is not listed there is an error, and so is a code that cannot be read off the text.
 */
export function sourceCodes(folders: readonly string[], templates: Readonly<Record<string, readonly string[]>>) {
  const files = folders.flatMap(sources).map((path) => {
    const text = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    return { path, text, functions: functionsWithCode(text) };
  });
  const byPath = new Map(files.map((file) => [file.path, file]));
  const found: Found = { codes: new Set(), unreadable: [], templates, used: new Set() };
  for (const file of files) {
    const known = new Map([...importedFunctions(file.text, file.path, byPath), ...file.functions]);
    visit(file.text, (node) => {
      const argument = codeArgument(node, known);
      if (argument !== undefined) collect(argument, found, true);
      if (ts.isPropertyAssignment(node) && node.name.getText() === 'code') collect(node.initializer, found, false);
    });
  }
  return { codes: found.codes, unreadable: found.unreadable, unusedTemplates: unused(found) };
}

interface Found {
  readonly codes: Set<string>;
  readonly unreadable: string[];
  readonly templates: Readonly<Record<string, readonly string[]>>;
  readonly used: Set<string>;
}

type File = { readonly functions: ReadonlyMap<string, number> };

/** The functions, and classes by their constructors, of a file that take a code: the place of that parameter. */
function functionsWithCode(file: ts.SourceFile): Map<string, number> {
  const found = new Map<string, number>();
  visit(file, (node) => {
    if (!ts.isFunctionLike(node)) return;
    const at = node.parameters.findIndex(
      ({ name, type }) => name.getText() === 'code' && !/number/.test(type?.getText() ?? ''),
    );
    const name = nameOf(node);
    if (at !== -1 && name !== undefined) found.set(name, at);
  });
  return found;
}

function nameOf(node: ts.SignatureDeclaration): string | undefined {
  const { parent } = node;
  if (ts.isConstructorDeclaration(node)) return ts.isClassDeclaration(parent) ? parent.name?.text : undefined;
  if (ts.isFunctionDeclaration(node)) return node.name?.text;
  return ts.isVariableDeclaration(parent) ? parent.name.getText() : undefined;
}

function importedFunctions(file: ts.SourceFile, path: string, files: ReadonlyMap<string, File>) {
  return file.statements.filter(ts.isImportDeclaration).flatMap((statement): [string, number][] => {
    const target = (statement.moduleSpecifier as ts.StringLiteral).text;
    const origin = target.startsWith('.') ? files.get(normalize(join(dirname(path), target))) : undefined;
    const names = statement.importClause?.namedBindings;
    if (!names || !ts.isNamedImports(names)) return [];
    return names.elements.flatMap(({ name, propertyName }): [string, number][] => {
      const reexported = origin?.functions.get((propertyName ?? name).text) ?? REEXPORTED[(propertyName ?? name).text];
      return reexported === undefined ? [] : [[name.text, reexported]];
    });
  });
}

/** Classes that one file passes on from another. */
const REEXPORTED: Readonly<Record<string, number>> = { TemplateFault: 0 };

function codeArgument(node: ts.Node, known: ReadonlyMap<string, number>): ts.Expression | undefined {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return undefined;
  const at = ts.isIdentifier(node.expression) ? known.get(node.expression.text) : undefined;
  return at === undefined ? undefined : node.arguments?.[at];
}

/** `certain`: it is a code for sure, so it must be possible to tell which. */
function collect(expression: ts.Expression, found: Found, certain: boolean): void {
  if (ts.isStringLiteralLike(expression)) found.codes.add(expression.text);
  else if (ts.isConditionalExpression(expression)) {
    collect(expression.whenTrue, found, certain);
    collect(expression.whenFalse, found, certain);
  } else if (ts.isBinaryExpression(expression)) {
    collect(expression.left, found, certain);
    collect(expression.right, found, certain);
  } else if (ts.isTemplateExpression(expression)) {
    const text = expression.getText();
    found.used.add(text);
    for (const code of found.templates[text] ?? []) found.codes.add(code);
    if (found.templates[text] === undefined) found.unreadable.push(place(expression));
  } else if (isPassedOn(expression)) {
    const value = ts.isIdentifier(expression) ? localValue(expression) : undefined;
    if (value !== undefined) collect(value, found, certain);
  } else if (certain) found.unreadable.push(place(expression));
}

/** `code`, `fault.code`: where it came from it was counted. */
function isPassedOn(expression: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text === 'code';
  return ts.isIdentifier(expression) && expression.text === 'code';
}

/** What a constant of this name was set to in the function around. */
function localValue(name: ts.Identifier): ts.Expression | undefined {
  for (let scope: ts.Node = name.parent; scope; scope = scope.parent) {
    if (!ts.isBlock(scope)) continue;
    for (const statement of scope.statements.filter(ts.isVariableStatement)) {
      const declared = statement.declarationList.declarations.find((one) => one.name.getText() === name.text);
      if (declared) return declared.initializer;
    }
  }
  return undefined;
}

function unused({ templates, used }: Found): readonly string[] {
  return Object.keys(templates).filter((text) => !used.has(text));
}

function place(node: ts.Node): string {
  const file = node.getSourceFile();
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${node.getText()}`;
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  node.forEachChild((child) => visit(child, see));
}

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}
