import { chosen, draw, oneOf } from "./random.ts";

/**
 * Built-in words in two languages. All people, places and schools are invented; domains end in `.example`, which nobody can
 * register.
 */

export interface Words {
  given: readonly string[];
  family: readonly string[];
  places: readonly string[];
  schoolKinds: readonly string[];
  subjects: readonly string[];
  /** For each subject. */
  topics: readonly (readonly string[])[];
  openings: readonly string[];
  claims: readonly string[];
  group: string;
  language: string;
  timeZone: string;
}

const english: Words = {
  given: "Amelia Noah Olive Ezra Hazel Milo Ruby Felix Clara Jude Nora Silas Ivy Hugo Maya Oscar Lena Theo Alma Reid".split(" "),
  family:
    "Ashby Birch Colton Drayton Ellery Fenwick Garland Hollis Ingram Kendrick Lowell Marlow Norwood Prescott Quincy Radley Sutter Thorne Upton Wexley".split(
      " ",
    ),
  places: [
    "Willow Creek",
    "Maple Ridge",
    "Harbor View",
    "Cedar Falls",
    "Stone Bridge",
    "Lakeside",
    "North Meadow",
    "Pine Grove",
    "Fox Hollow",
    "River Bend",
  ],
  schoolKinds: ["Middle School", "High School", "Academy", "Charter School"],
  subjects: ["Science", "Mathematics", "History", "English", "Geography", "Art"],
  topics: [
    ["photosynthesis", "electric circuits", "plate tectonics", "the water cycle"],
    ["fractions", "linear equations", "probability", "right triangles"],
    ["the Silk Road", "the printing press", "ancient Egypt", "the Industrial Revolution"],
    ["metaphors", "point of view", "persuasive essays", "short stories"],
    ["rivers", "climate zones", "city growth", "map scales"],
    ["perspective", "color contrast", "portraits", "mosaics"],
  ],
  openings: [
    "I think that",
    "Maybe",
    "We noticed that",
    "I agree, because",
    "I am not sure, but",
    "Look,",
    "The article says that",
    "So we could write that",
    "My idea is that",
    "What if",
  ],
  claims: [
    "the second example explains it better",
    "we should compare both pictures first",
    "the numbers go up and then stay flat",
    "it only works when everything is connected",
    "the cause comes before the effect here",
    "our first answer was too short",
    "there is more than one reason for it",
    "we can draw it and count again",
    "the other group found the opposite",
    "this part is missing in our notes",
    "somebody has to write the conclusion",
    "the question asks for evidence",
  ],
  group: "Group",
  language: "en-US",
  timeZone: "America/Phoenix",
};

const spanish: Words = {
  given:
    "Lucía Mateo Valeria Tomás Camila Bruno Elena Iván Paloma Rafael Irene Gael Noelia Adrián Marisol Julián Carmen Leandro Abril Darío".split(
      " ",
    ),
  family:
    "Aranda Bermejo Cordero Durán Escobar Fuentes Galindo Herrero Ibarra Lozano Montes Navarro Ocampo Pizarro Quiroga Robles Salcedo Tejada Urrutia Valverde".split(
      " ",
    ),
  places: [
    "Valle Verde",
    "Monte Claro",
    "Río Blanco",
    "Puerta del Sol",
    "La Encina",
    "Los Robles",
    "Agua Dulce",
    "Campo Alegre",
    "Piedra Alta",
    "Loma Linda",
  ],
  schoolKinds: ["Secundaria", "Instituto", "Colegio", "Escuela"],
  subjects: ["Ciencias", "Matemáticas", "Historia", "Lengua", "Geografía", "Arte"],
  topics: [
    ["la fotosíntesis", "los circuitos eléctricos", "las placas tectónicas", "el ciclo del agua"],
    ["las fracciones", "las ecuaciones lineales", "la probabilidad", "los triángulos"],
    ["la Ruta de la Seda", "la imprenta", "el antiguo Egipto", "la Revolución Industrial"],
    ["las metáforas", "el punto de vista", "el ensayo", "el cuento corto"],
    ["los ríos", "las zonas climáticas", "las ciudades", "la escala de los mapas"],
    ["la perspectiva", "el contraste", "el retrato", "el mosaico"],
  ],
  openings: [
    "Creo que",
    "Tal vez",
    "Vimos que",
    "Estoy de acuerdo, porque",
    "No estoy seguro, pero",
    "Miren,",
    "El texto dice que",
    "Podemos escribir que",
    "Mi idea es que",
    "Quizás",
  ],
  claims: [
    "el segundo ejemplo lo explica mejor",
    "primero hay que comparar las dos imágenes",
    "los números suben y luego se quedan igual",
    "solo funciona cuando todo está conectado",
    "la causa viene antes del efecto",
    "nuestra primera respuesta era muy corta",
    "hay más de una razón",
    "podemos dibujarlo y contar otra vez",
    "el otro grupo encontró lo contrario",
    "esta parte falta en nuestros apuntes",
    "alguien tiene que escribir la conclusión",
    "la pregunta pide pruebas",
  ],
  group: "Grupo",
  language: "es-US",
  timeZone: "America/Bogota",
};

/** The words of a school's language; a quarter of the schools speaks Spanish. @param isSpanish see {@link speaksSpanish} */
export function inBoth(isSpanish: string, expression: (words: Words) => string): string {
  return `CASE WHEN ${isSpanish} THEN ${expression(spanish)} ELSE ${expression(english)} END`;
}

/** Follows from the id of the school, so that every row that knows its school knows its language. */
export function speaksSpanish(schoolId: string): string {
  return `substring(${schoolId}, 1, 1) IN ('0', '1', '2', '3')`;
}

/** Neither zone has daylight saving time, so that school hours are the same hours of UTC all year. */
export const hoursBehindUtc = { spanish: 5, english: 7 } as const;

export function givenName(name: string, words: Words = english): string {
  return oneOf(name, words.given);
}

export function familyName(name: string, words: Words = english): string {
  return oneOf(name, words.family);
}

/** The beginning of an address: names without accents, in lower case. Both drawn as the names themselves. */
export function mailName(given: string, family: string, words: Words): string {
  return `concat(${oneOf(given, words.given.map(plain))}, '.', ${oneOf(family, words.family.map(plain))})`;
}

export function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/[^\x20-\x7e]/g, "")
    .toLowerCase()
    .replaceAll(" ", "-");
}

export function fullName(name: string, words: Words = english): string {
  return `concat(${givenName(`${name} given`, words)}, ' ', ${familyName(`${name} family`, words)})`;
}

/** What somebody says in a lesson. */
export function sentence(name: string, words: Words = english): string {
  return `concat(${oneOf(`${name} opening`, words.openings)}, ' ', ${oneOf(`${name} claim`, words.claims)}, '.')`;
}

/** A topic of the subject with this number. */
export function topic(name: string, subject: string, words: Words): string {
  const all = words.topics.flat();
  return chosen(`((${subject}) * 4 + ${draw(name)} % 4)`, all);
}
