import { Controller, Get, Param, StreamableFile } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import { CountriesService } from './countries.service.js';
import { CountryMapService } from './country-map.service.js';
import { CountrySummary } from './country-summary.js';
import { CountryParams } from './country.params.js';

@ApiTags('countries')
@ApiBadRequestResponse()
@ApiNotFoundResponse()
@Controller('countries/:code')
export class CountriesController {
  constructor(
    private readonly countries: CountriesService,
    private readonly maps: CountryMapService,
  ) {}

  @Get('summary')
  @ApiOperation({ summary: 'A country by its cities' })
  @ApiOkResponse({ type: CountrySummary })
  summary(@Param() { code }: CountryParams): Promise<CountrySummary> {
    return this.countries.summarise(code);
  }

  @Get('map.svg')
  @ApiOperation({ summary: "A map of a country's cities" })
  @ApiProduces('image/svg+xml')
  @ApiOkResponse({ schema: { type: 'string' } })
  async map(@Param() { code }: CountryParams): Promise<StreamableFile> {
    // A Buffer returned as such would be sent as JSON.
    return new StreamableFile(await this.maps.draw(code), { type: 'image/svg+xml' });
  }
}
