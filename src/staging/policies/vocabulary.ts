import type { Locale } from "./model.ts";

/**
 * What made-up values are composed of: 16 of each, so that one hex digit of a hash chooses. The names are invented. Sentences say
 * what is said in any class.
 */
export interface Vocabulary {
  first: readonly [readonly string[], readonly string[]];
  last: readonly [readonly string[], readonly string[]];
  place: readonly [readonly string[], readonly string[]];
  openings: readonly string[];
  middles: readonly string[];
  ends: readonly string[];
}

const words = (text: string): string[] => text.split(" ");
const phrases = (text: string): string[] => text.split("|");

const english: Vocabulary = {
  first: [
    words("Ab Be Cor Dav El Fa Gi Ho Il Ja Ko Lo Me No Or Pe"),
    words("drielle nwick tessan mavor rindle quenna lyssan bretta thorian vellin zanne woline kessra phara jandor stine"),
  ],
  last: [
    words("Ash Brim Cald Dun Ever Fenn Gold Hart Ivel Kest Lang Mere Nor Oak Penn Quill"),
    words(
      "anvale berrick combeth dellow enshaw forthby grendon hollis inglow kirren lowmoor mardle nettby ostwick pellam ravenby",
    ),
  ],
  place: [
    words("Amber Birch Cedar Drift Elm Fern Glen Heather Iron Juniper Kestrel Linden Maple North Otter Pine"),
    words(
      "brook-on-Vale dell-by-Wren field-Oaks ford-Mere gate-Hollow ham-Rise holt-Green leigh-Down marsh-End mere-Cross moor-Lane ness-Hill port-Quay ridge-Row stead-Common wick-Green",
    ),
  ],
  openings: phrases(
    "The group|One learner|Everyone|The table|Half of the group|The whole class|A small team|The reader|The writer|The next speaker|A partner|The timekeeper|Our team|The second group|Somebody|The helper",
  ),
  middles: phrases(
    "compares|explains|writes down|asks about|checks|sketches|repeats|counts|reads aloud|sorts|discusses|tests|improves|summarises|questions|presents",
  ),
  ends: phrases(
    "two ways to solve the task|the first paragraph|a diagram of the model|what the numbers show|the next step of the plan|a list of open questions|the result of the experiment|an example from the book|the meaning of a new word|three reasons for the answer|the map of the river|a shorter solution|the rules of the game|an idea from the last lesson|the order of the events|a drawing of the bridge",
  ),
};

const german: Vocabulary = {
  first: [
    words("Al Be Cor Del El Fe Gu Hil Ing Ja Kor Le Mar No Ot Pe"),
    words("brunne dwiga fried gunda hilke jorin kelma linde mutha nhild rieke sinda traute vinna wiebe zella"),
  ],
  last: [
    words("Ahorn Birken Dorn Eichen Fichten Gold Hasel Insel Kiesel Linden Moor Nebel Otter Pappel Quell Rosen"),
    words("ackerling bachner dorfler eggert felder garten hauser kamper laub mannig nagler rieder sander taler wegner zaun"),
  ],
  place: [
    words("Ahorn Birken Dornen Eichen Fichten Gold Hasel Insel Kiesel Linden Moor Nebel Otter Pappel Quellen Rosen"),
    words(
      "au-Nord bach-am-Berg brunn-Ost dorf-Süd feld-am-See furt-West grund-Tal hain-Nord heim-am-Moor hof-Ost horst-Tal kamp-Süd leben-am-See rode-West stedt-Nord winkel-Tal",
    ),
  ],
  openings: phrases(
    "Die Gruppe|Ein Kind|Die Klasse|Der Tisch|Die halbe Gruppe|Die ganze Runde|Ein kleines Team|Die Vorleserin|Der Schreiber|Die nächste Stimme|Eine Partnerin|Der Zeitwächter|Unser Team|Die zweite Gruppe|Jemand|Die Helferin",
  ),
  middles: phrases(
    "vergleicht|erklärt|notiert|befragt|prüft|zeichnet|wiederholt|zählt|liest|ordnet|bespricht|testet|verbessert|sammelt|hinterfragt|zeigt",
  ),
  ends: phrases(
    "zwei Lösungswege|den ersten Absatz|ein Bild des Modells|die Zahlen der Tabelle|den nächsten Schritt|eine Liste offener Fragen|das Ergebnis des Versuchs|ein Beispiel aus dem Buch|die Bedeutung eines Worts|drei Gründe für die Antwort|die Karte des Flusses|eine kürzere Lösung|die Regeln des Spiels|eine Idee der letzten Stunde|die Reihenfolge der Ereignisse|eine Zeichnung der Brücke",
  ),
};

export const vocabularies: Readonly<Record<Locale, Vocabulary>> = { en: english, de: german };
