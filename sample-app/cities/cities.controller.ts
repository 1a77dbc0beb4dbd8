import { Body, Controller, Get, Param, Patch, UseFilters } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CitiesService } from './cities.service.js';
import { CityChanges } from './city.changes.js';
import { City } from './city.entity.js';
import { CityParams } from './city.params.js';
import { PartialRemovalFilter } from './partial-removal.filter.js';

@ApiTags('cities')
@Controller('cities')
export class CitiesController {
  constructor(private readonly cities: CitiesService) {}

  @Get(':id')
  @ApiOperation({ summary: 'One city' })
  @ApiOkResponse({ type: City })
  @ApiBadRequestResponse()
  @ApiNotFoundResponse()
  findOne(@Param() { id }: CityParams): Promise<City> {
    return this.cities.findOne(id);
  }

  @Patch(':id')
  @UseFilters(PartialRemovalFilter)
  @ApiOperation({ summary: 'Changes a city; all peers show it at once' })
  @ApiOkResponse({ type: City })
  @ApiAcceptedResponse({ description: 'changed, but not confirmed by all peers yet' })
  @ApiBadRequestResponse()
  @ApiNotFoundResponse()
  update(@Param() { id }: CityParams, @Body() changes: CityChanges): Promise<City> {
    return this.cities.update(id, changes);
  }
}
