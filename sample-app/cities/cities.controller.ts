import { Controller, Get, Param } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CitiesService } from './cities.service.js';
import { City } from './city.entity.js';
import { CityParams } from './city.params.js';

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
}
